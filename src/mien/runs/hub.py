"""Sharing runs by the Hugging Face Hub or as folders: fetch, save and push."""

import fnmatch
import re
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any

from mien.errors import MienError
from mien.features.extractor import WORD_VECTORS
from mien.files import atomic_write, fingerprint, unwritable, write_text
from mien.hub import fetch_files, fetched_before, hub_errors, list_repository, upload_folder
from mien.models.pretrained.names import parts_of
from mien.runs.card import metrics_section, model_card
from mien.runs.config import CONFIG, WEIGHTS, RunConfig, write_config
from mien.runs.joined import JoinedRun, opened
from mien.runs.ready_made import FOLDER, READY_MADE
from mien.runs.run import Run

CARD = "README.md"
"""File name of the model card, which the hub shows."""

MIB = 2**20

LARGEST_FILES = {
    CONFIG: MIB,
    "environment.json": MIB,
    "thresholds.json": MIB,
    "abstention.json": MIB,
    "metrics.json": 16 * MIB,
    WEIGHTS: 10 * 1024 * MIB,
    WORD_VECTORS: 1024 * MIB,
    CARD: MIB,
    "tokenizer/*.json": 64 * MIB,
    "tokenizer/*.txt": 64 * MIB,
    "tokenizer/*.model": 64 * MIB,
}
"""Patterns of the files of a run that are shared, and the largest size of each in bytes.

None of these formats can run code. Other files of a repository are not fetched."""

NEEDED = (CONFIG, WEIGHTS)

MOST_FILES = 64
"""Largest number of files of a run; no tokenizer has so many."""

NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*")
"""Form of a name on the hub; what begins with a dot is a path."""


def open_run(source: str | Path, *, revision: str | None = None) -> Run:
    """Open a run folder or a ready-made model, or fetch a run from the hub.

    Parameters
    ----------
    source : str or path
        A folder, the name of a ready-made model such as ``"mien-base"``, or a name on the hub such
        as ``"organisation/model"``.
    revision : str, optional
        Branch, tag or commit on the hub (default: the main branch).

    Raises
    ------
    MienError
        There is no such folder and no such name on the hub, or it does not hold a run.
    """
    if source in READY_MADE and revision is None:
        return opened(FOLDER / str(source))
    if Path(source).is_dir() or not NAME.fullmatch(str(source)) or isinstance(source, Path):
        if revision is not None:
            raise MienError(
                f"{source} is not a name on the hub: leave the revision {revision!r} out",
                parameter="revision",
            )
        return opened(Path(source))
    folder = fetch(str(source), revision=revision)
    # the hub's cache stores a file once for all revisions, and links to it
    return Run(folder, files_within=folder.parents[1])


def fetch(name: str, *, revision: str | None = None) -> Path:
    """Fetch the files of a run from the hub into its cache, unless they are there already.

    The hub is asked once. If it does not answer, files that were fetched before are used.

    Parameters
    ----------
    name : str
        As ``"organisation/model"``.
    revision : str, optional
        Branch, tag or commit.

    Returns
    -------
    Path
        The folder in the hub's cache, whose files are links within the cache.

    Raises
    ------
    MienError
        It cannot be fetched, is not a run, or has a file that is too large for a run.
    """
    with hub_errors(f"{name} is not a folder and could not be fetched"):
        listed = list_repository(name, revision)
        if listed is None:
            return fetched_before(name, revision, list(LARGEST_FILES))
        return fetch_files(name, revision, listed, _checked(name, listed.siblings))


def _checked(name: str, siblings: Iterable[Any]) -> list[str]:
    """Return the names of a run's files in a repository, after checking their sizes."""
    sizes = {file.rfilename: file.size or 0 for file in siblings if _limit(file.rfilename)}
    if missing := [file for file in NEEDED if file not in sizes]:
        raise MienError(f"{name} on the hub is not a run of mien: it has no {missing[0]}")
    if len(sizes) > MOST_FILES:
        raise MienError(f"{name} on the hub has {len(sizes)} files of a run, which is too many")
    for file, size in sizes.items():
        if size > _limit(file):
            raise MienError(
                f"{name} on the hub: {file} has {size:,} bytes, and a run allows at most"
                f" {_limit(file):,}"
            )
    return list(sizes)


def _limit(file: str) -> int:
    """Return the largest size of a file in a run, 0 for any other file."""
    if any(sign in file for sign in "[]*?") or file.count("/") > 1:
        return 0
    found = (most for pattern, most in LARGEST_FILES.items() if fnmatch.fnmatchcase(file, pattern))
    return next(found, 0)


def save(run: Run, folder: str | Path) -> Path:
    """Copy the files that are needed to use a run into a new folder, with a model card.

    Learning curves, the training state and figures are not copied. Absolute paths in config.yaml
    are cut to their last component, and frozen weights from such a path are copied.

    Parameters
    ----------
    run : Run
        The run.
    folder : path
        A new or an empty folder.

    Raises
    ------
    MienError
        The folder is not empty or cannot be written, the run has no weights yet, the frozen ones
        are missing, or the metrics are damaged or of another version of mien.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise MienError(f"{folder} exists and is not empty: choose another folder")
    metrics = metrics_section(run)  # first, since it refuses damaged ones
    config = _portable(run.config)
    files = own_files(run)
    copied = config.frozen == run.config.frozen and WEIGHTS in files
    model = None if copied else run.model()
    if model is not None:
        files.pop(WEIGHTS, None)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, path in files.items():
            folder.joinpath(name).parent.mkdir(exist_ok=True)
            with atomic_write(folder / name) as part:
                shutil.copyfile(path, part)
    except OSError as error:
        raise unwritable(folder, error) from error
    write_config(folder, config)
    if model is not None:
        Run(folder).write_model(model)
    own = run.folder / CARD  # somebody completed it
    card = own.read_text() if own.is_file() else ""
    digests = {WEIGHTS: fingerprint(folder / WEIGHTS)}
    write_text(folder / CARD, card or model_card(run, metrics, digests))
    return folder


def own_files(run: Run) -> dict[str, Path]:
    """Return the paths of the files to share, by name; of a joined run the weights are left out.

    Raises
    ------
    MienError
        The weights are missing.
    """
    if isinstance(run, JoinedRun):
        files = {name: path for part in run.parts for name, path in own_files(part).items()}
        tokenizer = {name: path for name, path in files.items() if name.startswith("tokenizer/")}
        return tokenizer | _shared(run)
    if not run.folder.joinpath(WEIGHTS).is_file():
        run.weights()  # raises the error
    return _shared(run)


def _shared(run: Run) -> dict[str, Path]:
    """Return the paths of the files in a run's folder that are shared as they are."""
    paths = (path.relative_to(run.folder) for path in run.folder.rglob("*") if path.is_file())
    names = sorted(name for path in paths if _limit(name := path.as_posix()))
    return {name: run.file(name) for name in names if name not in (CARD, CONFIG)}


def _portable(config: RunConfig) -> RunConfig:
    """Cut absolute paths to their last component, since they do not exist on other machines.

    Frozen weights from such a path are left out of the configuration: the copy must hold them.
    """

    def cut(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: cut(part) for key, part in value.items()}
        if isinstance(value, list):
            return [cut(part) for part in value]
        if not isinstance(value, str) or not _has_path(value):
            return value
        return "+".join(PurePath(p).name if _has_path(p) else p for p in parts_of(value))

    elsewhere = {m: s for m, s in config.frozen.items() if not _has_path(s.name)}
    config = config.model_copy(update={"frozen": elsewhere})
    return RunConfig.model_validate(cut(config.model_dump(mode="json")))


def _has_path(name: str) -> bool:
    """Tell whether a name, or one of several joined by "+", is an absolute path."""
    return any(PurePath(part).is_absolute() for part in parts_of(name))


def push(
    run: Run,
    name: str,
    *,
    private: bool = True,
    revision: str | None = None,
    message: str = "Upload a run of mien",
    token: str | None = None,
) -> str:
    """Upload the files that `save` copies to the hub, in one commit.

    Parameters
    ----------
    run : Run
        The run.
    name : str
        As ``"organisation/model"``; the repository is created if it does not exist yet.
    private : bool
        Whether a new repository is private. A model that identifies speakers holds information on
        their faces and voices.
    revision : str, optional
        The branch to commit to (default: the main branch).
    message : str
        The commit message.
    token : str, optional
        An access token (default: that of ``hf auth login`` or ``HF_TOKEN``).

    Returns
    -------
    str
        The address of the commit.

    Raises
    ------
    MienError
        The hub refuses the upload or cannot be reached.
    """
    with TemporaryDirectory() as draft:
        folder = save(run, Path(draft) / "run")
        with hub_errors(f"{name} could not be uploaded"):
            return upload_folder(
                folder, name, private=private, revision=revision, message=message, token=token
            )
