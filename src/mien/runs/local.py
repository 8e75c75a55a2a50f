"""Copies on this machine of weights of the catalogue, and of models and runs on the hub."""

import logging
from pathlib import Path
from typing import Any

from mien.errors import MienError, did_you_mean
from mien.hub import cache_folder, fetched_before, hub_errors, list_repository, quiet_hub
from mien.models.pretrained import download
from mien.models.pretrained.catalogue import CATALOGUE
from mien.models.pretrained.weights import Weights, difference
from mien.runs import hub
from mien.runs.config import CONFIG

logger = logging.getLogger(__name__)


def fetch(name: str) -> Path:
    """Fetch a model or a run from the hub, or check the files of a package; return the folder.

    Parameters
    ----------
    name : str
        A name of the catalogue, or of a repository on the hub, with a revision after ``@`` if it is
        not the main branch. Of a run the files of `mien.runs.hub.fetch` are fetched, of any other
        repository those of `mien.models.pretrained.download.fetch`.

    Raises
    ------
    MienError
        It cannot be fetched, the package is not installed, or files are not the known ones.
    """
    weights = _named(name)
    if weights is not None and weights.package is not None:
        weights.verified()
        return weights.folder()
    repository, revision = _split(name)
    with hub_errors(f"{name} could not be fetched"):
        listed = list_repository(repository, revision)
        if listed is None:
            folder = _fetched(name)
        elif any(file.rfilename == CONFIG for file in listed.siblings):
            folder = hub.fetch(repository, revision=revision)
        else:
            folder = download.fetch(name)
            _point_to_card(repository, listed)
    if weights is not None:
        _check(weights, folder)
    return folder


def find(name: str) -> Path:
    """Return the folder of weights, a model or a run that is on this machine; see `fetch`.

    Raises
    ------
    MienError
        It is not, or only in part.
    """
    weights = _named(name)
    if weights is not None and weights.package is not None:
        return weights.folder()
    try:
        with quiet_hub():
            return _fetched(name)
    except Exception as error:  # the hub's library has an error each for what is missing
        raise MienError(
            f"{name} is not, or not completely, in {cache_folder()}: `mien models fetch {name}`"
        ) from error


def _fetched(name: str) -> Path:
    """Return the folder of a repository in the cache, which must be complete."""
    repository, revision = _split(name)
    folder = fetched_before(repository, revision, [CONFIG])
    if (folder / CONFIG).is_file():
        return fetched_before(repository, revision, list(hub.LARGEST_FILES))
    return download.find(name)


def _split(name: str) -> tuple[str, str | None]:
    repository, _, revision = name.partition("@")
    return repository, revision or None


def _named(name: str) -> Weights | None:
    """Return the entry of a name; None for another name on the hub. Raises `MienError`."""
    if name in CATALOGUE:
        return CATALOGUE[name]
    repository, _ = _split(name)
    if repository not in CATALOGUE and not hub.NAME.fullmatch(repository):
        raise MienError(
            f"no weights {name!r}{did_you_mean(name, CATALOGUE)}: give a name that `mien models`"
            " lists, or one on the hub, such as organisation/model",
            parameter="name",
        )
    return None


def _point_to_card(repository: str, listed: Any) -> None:
    """Say of a model that is not in the catalogue where its terms are."""
    if repository not in CATALOGUE:
        licence = getattr(listed.card_data, "license", None) or "none"
        logger.info(
            "%s is not in the list of `mien models`; its model card states the licence: %s",
            repository,
            licence,
        )


def _check(weights: Weights, folder: Path) -> None:
    """Compare files from the hub with those that the catalogue knows."""
    for file in weights.files:
        if fault := difference(folder / file.path, file):
            raise MienError(
                f"{folder / file.path} is not the file that mien knows ({fault}): the main"
                f" branch has changed; name the revision that you want, {weights.name}@REVISION"
            )
