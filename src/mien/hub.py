"""The Hugging Face Hub and its cache: the only module that talks to it.

`MIEN_OFFLINE=1` keeps mien from asking the hub, and `MIEN_CACHE` is the folder of its cache. Both
are read at each use; where they are not set, the hub's own `HF_HUB_OFFLINE` and `HF_HUB_CACHE`
count.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.files import fingerprint
from mien.progress import on_terminal

OFFLINE = "MIEN_OFFLINE"
CACHE = "MIEN_CACHE"

TIMEOUT = 10
"""Seconds to wait for the hub."""

logger = logging.getLogger(__name__)


def offline() -> str:
    """Return the environment variable that keeps mien from asking the hub, "" if none does."""
    from huggingface_hub import constants

    if os.environ.get(OFFLINE, "").lower() not in ("", "0", "false", "no", "off"):
        return OFFLINE
    return "HF_HUB_OFFLINE" if constants.HF_HUB_OFFLINE else ""


def cache_folder() -> Path:
    """Return the folder in which fetched repositories are kept."""
    from huggingface_hub import constants

    return Path(os.environ.get(CACHE) or constants.HF_HUB_CACHE).expanduser()


def list_repository(name: str, revision: str | None) -> Any:
    """Ask the hub once for the files of a repository and their sizes.

    Returns
    -------
    huggingface_hub.ModelInfo or None
        None if mien is offline or the hub does not answer: then only the cache can help.

    Raises
    ------
    huggingface_hub.errors.HfHubHTTPError
        The hub has no such repository or revision, or refuses access.
    """
    if offline():
        return None

    from huggingface_hub import HfApi, constants, errors

    constants.HF_HUB_DISABLE_TELEMETRY = True  # it would ask the hub a second time
    api = HfApi(endpoint=constants.ENDPOINT)
    try:
        return api.model_info(name, revision=revision, files_metadata=True, timeout=TIMEOUT)
    except errors.HfHubHTTPError as error:
        if error.response.status_code < 500:
            raise
        return None
    except Exception:  # no network or no response in time; the library's client raises anything
        return None


def fetch_files(name: str, revision: str | None, listed: Any, files: Sequence[str]) -> Path:
    """Fetch files of a repository into the cache, unless they are there.

    Parameters
    ----------
    name : str
        The repository.
    revision : str, optional
        Branch, tag or commit.
    listed : huggingface_hub.ModelInfo
        What `list_repository` returned.
    files : sequence of str
        Their names.

    Returns
    -------
    Path
        Their folder in the cache.

    Raises
    ------
    MienError
        The repository changed meanwhile, or a file is not the one whose digest the hub states.
    """
    from huggingface_hub import constants, snapshot_download, try_to_load_from_cache

    cache = cache_folder()
    new = [
        file
        for file in listed.siblings
        if file.rfilename in files
        and not try_to_load_from_cache(name, file.rfilename, cache, revision=listed.sha)
    ]
    if new:
        size = sum(file.size or 0 for file in new)
        logger.info("fetching %s from the hub: %d files, %.1f MB", name, len(new), size / 1e6)
    folder = Path(
        snapshot_download(
            name,
            revision=revision,
            cache_dir=cache,
            endpoint=constants.ENDPOINT,
            allow_patterns=list(files),
        )
    )
    if folder.name != listed.sha:
        raise MienError(f"{name} changed on the hub while it was being fetched: try again")
    for file in new:
        _check_digest(folder / file.rfilename, file.lfs)
    return folder


def _check_digest(path: Path, stated: Any) -> None:
    """Compare a file with the SHA-256 that the hub states; it states one for large files."""
    if stated is not None and fingerprint(path) != stated.sha256:
        path.resolve().unlink()
        raise MienError(
            f"{path} was damaged on its way (its SHA-256 is not the one that the hub states), and"
            " is deleted: try again"
        )


def fetched_before(name: str, revision: str | None, files: Sequence[str]) -> Path:
    """Return the folder of a repository in the cache, without asking the hub.

    Raises
    ------
    huggingface_hub.errors.LocalEntryNotFoundError
        It is not there.
    huggingface_hub.errors.IncompleteSnapshotError
        It lacks one of `files`, names or patterns, that the repository has.
    """
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(
            name,
            revision=revision,
            cache_dir=cache_folder(),
            allow_patterns=list(files),
            local_files_only=True,
        )
    )


def upload_folder(
    folder: Path, name: str, *, private: bool, revision: str | None, message: str, token: str | None
) -> str:
    """Upload a folder in one commit, to a new repository or an existing one; return its address.

    Raises
    ------
    MienError
        mien is offline.
    Exception
        Whatever the hub's library raises.
    """
    from huggingface_hub import HfApi, constants

    if switch := offline():
        raise MienError(f"{name} could not be uploaded: {switch} is set")
    api = HfApi(endpoint=constants.ENDPOINT, token=token, library_name="mien")
    api.create_repo(name, private=private, exist_ok=True)
    commit = api.upload_folder(
        repo_id=name, folder_path=folder, revision=revision, commit_message=message
    )
    return str(commit.commit_url)


@contextmanager
def hub_errors(what: str) -> Iterator[None]:
    """Convert errors of the hub's library to a `MienError`, and suppress its warnings.

    Parameters
    ----------
    what : str
        What could not be done, as the beginning of the message.
    """
    with quiet_hub():
        try:
            yield
        except MienError:
            raise
        except Exception as error:  # the hub's library raises anything
            raise MienError(f"{what}: {reason(error)}") from error


@contextmanager
def quiet_hub() -> Iterator[None]:
    """Suppress the warnings of the hub's library, and its progress bars but on a terminal."""
    from huggingface_hub.utils import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )
    from huggingface_hub.utils import logging as hub_logging

    level, shown = hub_logging.get_verbosity(), not are_progress_bars_disabled()
    hub_logging.set_verbosity(logging.ERROR)
    if not on_terminal():
        disable_progress_bars()
    try:
        yield
    finally:
        hub_logging.set_verbosity(level)
        if shown:
            enable_progress_bars()


def reason(error: Exception) -> str:
    """Describe why the hub's library failed, and what keeps mien offline if something does."""
    switch = offline()
    return f"{_why(error)} ({switch} is set)" if switch else _why(error)


def _why(error: Exception) -> str:
    from huggingface_hub import errors

    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.GatedRepoError):
        return "its owner must grant you access first"
    if isinstance(error, errors.RevisionNotFoundError):
        return "the hub has no such revision"
    asked = "mien is offline" if offline() else "the hub cannot be reached"
    if isinstance(error, errors.IncompleteSnapshotError):
        return f"{asked}, and only a part of it was fetched before"
    if isinstance(error, errors.LocalEntryNotFoundError):
        return f"{asked}, and it was not fetched before"
    if status in (401, 403):
        return "access denied: log in with `hf auth login`, or check the permissions of the token"
    if isinstance(error, errors.RepositoryNotFoundError):
        return "the hub has no such repository, or you have no access to it"
    if isinstance(error, errors.HFValidationError):
        return "it is not a name that the hub takes"
    if status is not None:
        return f"the hub responded with status {status}"
    return f"the hub cannot be reached ({type(error).__name__})"
