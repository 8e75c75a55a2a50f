"""The weights that transcribe: Whisper in the format of CTranslate2, which faster-whisper reads."""

from fnmatch import fnmatchcase
from pathlib import Path

from mien.errors import MienError
from mien.hub import CACHE, fetch_files, fetched_before, hub_errors, list_repository
from mien.models.pretrained.catalogue import CATALOGUE
from mien.models.pretrained.ctranslate2_file import read_variables

PACKAGED = "whisper-tiny.en"
"""The smallest English model, which a Python package holds."""

EXAMPLE = "Systran/faster-whisper-small"
"""A repository of the hub in the right format, for messages."""

FILES = ("model.bin", "config.json", "tokenizer.json", "vocabulary.*")
"""What a model must have. faster-whisper would fetch a tokenizer from the hub by itself."""

OPTIONAL = ("preprocessor_config.json",)
"""What some have, too: those with 128 mel bands."""


def weights_folder(weights: str) -> Path:
    """Return the folder of a model, which is fetched from the hub if it is no folder.

    Parameters
    ----------
    weights : str
        "whisper-tiny.en", which is in a package; a folder; or a repository of the hub, with a
        revision after ``@`` if it is not the main branch.

    Raises
    ------
    MienError
        It is not there, can't be fetched, or is no complete model of CTranslate2.
    """
    if weights == PACKAGED:
        CATALOGUE[PACKAGED].verified()
        folder = CATALOGUE[PACKAGED].folder()
    else:
        folder = Path(weights) if Path(weights).is_dir() else _fetch(weights)
    _check(folder)
    return folder


def _check(folder: Path) -> None:
    """Raise an error if a file of a model is missing, or the weights are damaged."""
    for pattern in FILES:
        if not any(path.is_file() for path in folder.glob(pattern)):
            raise MienError(
                f"{folder} holds no model that transcribes: {pattern} is missing; it must be"
                f" Whisper in the format of CTranslate2, such as {EXAMPLE}"
            )
    read_variables(folder / "model.bin", lambda name: False)


def _fetch(name: str) -> Path:
    repository, _, revision = name.partition("@")
    what = (
        f"{name!r} is neither {PACKAGED} nor a folder, and could not be fetched from the hub; with"
        f" {CACHE}=DIR it is looked for in DIR"
    )
    with hub_errors(what):
        listed = list_repository(repository, revision or None)
        if listed is None:
            return fetched_before(repository, revision or None, FILES)
        there = [file.rfilename for file in listed.siblings]
        wanted = [one for one in there if any(fnmatchcase(one, p) for p in (*FILES, *OPTIONAL))]
        if "model.bin" not in wanted:
            raise MienError(
                f"{name} has no model.bin: choose Whisper in the format of CTranslate2, such as"
                f" {EXAMPLE}"
            )
        return fetch_files(repository, revision or None, listed, wanted)
