"""Fetching a pretrained model from the hub: of its repository only the files that mien reads."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from mien.errors import MienError
from mien.hub import fetch_files, fetched_before, list_repository, quiet_hub
from mien.models.pretrained.weights import Weights

WEIGHTS = ("model.safetensors", "model-*-of-*.safetensors")
"""Patterns of the weights, whole or in parts; others are copies in other precisions."""

SETTINGS = (".json", ".txt", ".model")
"""Endings of the files beside the weights: settings and vocabularies."""

NEEDED = (*WEIGHTS, "config.json", "preprocessor_config.json", "tokenizer.json")
"""What a copy in the cache must have, as far as the repository has it."""


def fetch(name: str) -> Path:
    """Fetch a model into the cache of the hub, unless it is there.

    The hub is asked once. If it does not answer or refuses, a copy that was fetched before is used.
    Nothing that can run code is fetched: of the weights only safetensors, and no pickles.

    Parameters
    ----------
    name : str
        The repository, with a revision after ``@`` if it is not the main branch:
        ``microsoft/wavlm-large@refs/pr/1``.

    Returns
    -------
    Path
        The folder in the cache.

    Raises
    ------
    MienError
        Its weights are there only as a pickle.
    Exception
        Whatever the hub's library raises; `mien.hub.reason` says what it means.
    """
    repository, _, revision = name.partition("@")
    with quiet_hub():
        refused: Exception | None = None
        try:
            listed = list_repository(repository, revision or None)
        except Exception as error:
            listed, refused = None, error
        if listed is not None:
            files = files_read(file.rfilename for file in listed.siblings)
            if not any(file.endswith(".safetensors") for file in files):
                raise MienError(no_safetensors(name))
            return fetch_files(repository, revision or None, listed, files)
        try:
            return find(name)
        except Exception as error:
            raise (refused or error) from None


def find(name: str) -> Path:
    """Return the folder of a model that was fetched before; as `fetch`, without asking the hub."""
    repository, _, revision = name.partition("@")
    return fetched_before(repository, revision or None, NEEDED)


def is_here(weights: Weights) -> bool:
    """Tell whether weights of the catalogue are on this machine, in a package or in the cache."""
    if weights.package is not None:
        return weights.is_installed()
    try:
        find(weights.name)
    except Exception:  # the hub's library has an error each for what is missing
        return False
    return True


def files_read(names: Iterable[str]) -> list[str]:
    """Return the names of the files of a repository that mien reads.

    Examples
    --------
    >>> files_read(["config.json", "model.safetensors", "pytorch_model.bin", "onnx/config.json"])
    ['config.json', 'model.safetensors']
    """
    names = [name for name in names if not any(sign in name for sign in "/[]*?")]
    return [
        name
        for name in names
        if name.endswith(SETTINGS) or any(fnmatchcase(name, pattern) for pattern in WEIGHTS)
    ]


def no_safetensors(name: str, settings: str = "the files of the tokenizer or preprocessor") -> str:
    """Say that a model has no safetensors, and what to do; `settings` are to be copied, too."""
    return (
        f"{name} has no model.safetensors, and mien does not load pickled weights, which can run"
        " code: name a revision that has them, such as NAME@refs/pr/1 of a conversion that the hub"
        " offers; or, where you trust the source, convert them with `python -c 'from transformers"
        f' import AutoModel; AutoModel.from_pretrained("{name}").save_pretrained("DIR")\'`, copy'
        f" {settings} into DIR, and give its path"
    )
