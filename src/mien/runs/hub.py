"""Sharing runs by the Hugging Face Hub or as folders: fetch, save and push."""

import fnmatch
import logging
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any

from mien.errors import MienError
from mien.features.extractor import WORD_VECTORS
from mien.files import atomic_write, fingerprint, unwritable, write_text
from mien.models.pretrained.names import parts_of
from mien.runs.card import metrics_section, model_card
from mien.runs.config import CONFIG, WEIGHTS, RunConfig, write_config
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

TIMEOUT = 10
"""Seconds to wait for the hub."""

_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def open_run(source: str | Path, *, revision: str | None = None) -> Run:
    """Open a run folder, or fetch a run from the hub.

    Parameters
    ----------
    source : str or path
        A folder, or a name on the hub such as ``"organisation/model"``.
    revision : str, optional
        Branch, tag or commit on the hub (default: the main branch).

    Raises
    ------
    MienError
        There is no such folder and no such name on the hub, or it does not hold a run.
    """
    if Path(source).is_dir() or not _NAME.fullmatch(str(source)) or isinstance(source, Path):
        if revision is not None:
            raise MienError(
                f"{source} is not a name on the hub: leave the revision {revision!r} out",
                parameter="revision",
            )
        return Run(source)
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
    from huggingface_hub import constants, snapshot_download

    with _hub_errors(name, "fetched"):
        listed = None if constants.HF_HUB_OFFLINE else _list(name, revision)
        patterns = list(LARGEST_FILES) if listed is None else _checked(name, listed.siblings)
        path = snapshot_download(
            name,
            revision=revision,
            cache_dir=constants.HF_HUB_CACHE,
            endpoint=constants.ENDPOINT,
            allow_patterns=patterns,
            local_files_only=listed is None,
        )
    if listed is not None and Path(path).name != listed.sha:
        raise MienError(f"{name} changed on the hub while it was being fetched: try again")
    return Path(path)


def _list(name: str, revision: str | None) -> Any:
    """Ask the hub for the files of a repository; return None if it cannot be reached."""
    from huggingface_hub import HfApi, constants, errors

    api = HfApi(endpoint=constants.ENDPOINT)
    try:
        return api.model_info(name, revision=revision, files_metadata=True, timeout=TIMEOUT)
    except errors.HfHubHTTPError as error:
        if error.response.status_code < 500:
            raise
        return None
    except Exception:  # no network or no response in time; the library's client raises anything
        return None


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
    names = own_files(run)
    model = run.model() if config.frozen != run.config.frozen else None
    if model is not None:
        names.remove(WEIGHTS)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            folder.joinpath(name).parent.mkdir(exist_ok=True)
            with atomic_write(folder / name) as part:
                shutil.copyfile(run.file(name), part)
    except OSError as error:
        raise unwritable(folder, error) from error
    write_config(folder, config)
    if model is not None:
        Run(folder).write_model(model)
    card = model_card(run, metrics, {WEIGHTS: fingerprint(folder / WEIGHTS)})
    write_text(folder / CARD, card)
    return folder


def own_files(run: Run) -> list[str]:
    """Return the names of the files to share. Raises `MienError` if the weights are missing."""
    if not run.folder.joinpath(WEIGHTS).is_file():
        run.weights()  # raises the error
    paths = (path.relative_to(run.folder) for path in run.folder.rglob("*") if path.is_file())
    names = (path.as_posix() for path in paths)
    return sorted(name for name in names if _limit(name) and name not in (CARD, CONFIG))


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
    from huggingface_hub import HfApi, constants

    with TemporaryDirectory() as draft:
        folder = save(run, Path(draft) / "run")
        with _hub_errors(name, "uploaded"):
            api = HfApi(endpoint=constants.ENDPOINT, token=token, library_name="mien")
            api.create_repo(name, private=private, exist_ok=True)
            commit = api.upload_folder(
                repo_id=name, folder_path=folder, revision=revision, commit_message=message
            )
    return str(commit.commit_url)


@contextmanager
def _hub_errors(name: str, done: str) -> Iterator[None]:
    """Convert errors of the hub's library to a `MienError`, and suppress its own output."""
    from huggingface_hub import constants
    from huggingface_hub.utils import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )
    from huggingface_hub.utils import logging as hub_logging

    level, bars = hub_logging.get_verbosity(), not are_progress_bars_disabled()
    hub_logging.set_verbosity(logging.ERROR)
    disable_progress_bars()
    try:
        yield
    except MienError:
        raise
    except Exception as error:  # the hub's library raises anything
        offline = " (HF_HUB_OFFLINE is set)" if constants.HF_HUB_OFFLINE else ""
        here = " is not a folder and" if done == "fetched" else ""
        raise MienError(f"{name}{here} could not be {done}: {_why(error)}{offline}") from error
    finally:
        hub_logging.set_verbosity(level)
        if bars:
            enable_progress_bars()


def _why(error: Exception) -> str:
    """Describe why the hub's library failed."""
    from huggingface_hub import errors

    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.GatedRepoError):
        return "its owner must grant you access first"
    if isinstance(error, errors.RevisionNotFoundError):
        return "the hub has no such revision"
    if isinstance(error, errors.LocalEntryNotFoundError):
        return "the hub cannot be reached, and it was not fetched before"
    if status in (401, 403):
        return "access denied: log in with `hf auth login`, or check the permissions of the token"
    if isinstance(error, errors.RepositoryNotFoundError):
        return "the hub has no such repository, or you have no access to it"
    if status is not None:
        return f"the hub responded with status {status}"
    return f"the hub cannot be reached ({type(error).__name__})"
