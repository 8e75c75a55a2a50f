"""Errors of the disk and of LanceDB, as errors for users."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from mien.errors import MienError

_STORAGE_ERRORS = (OSError, RuntimeError, ValueError, pa.ArrowException)
"""What the disk, LanceDB and Arrow raise; LanceDB's own classes are derived from these."""


@contextmanager
def storage_errors(place: object) -> Iterator[None]:
    """Raise one clear error for whatever goes wrong with a gallery's files.

    Parameters
    ----------
    place : object
        The gallery, as the user knows it.

    Raises
    ------
    MienError
        In place of an error of the disk or of LanceDB, with the reason.
    """
    try:
        yield
    except MienError:
        raise
    except OSError as error:
        if error.errno is None:
            raise _damaged(place, error) from error
        where = f" ({error.filename})" if error.filename else ""
        raise MienError(
            f"{place}: {error.strerror}{where}: see that the disk has room, and that the folder is"
            " yours to read and write"
        ) from error
    except _STORAGE_ERRORS as error:
        raise _damaged(place, error) from error
    except BaseException as error:
        if type(error).__name__ != "RustPanic":  # LanceDB's class can't be imported from anywhere
            raise
        raise _damaged(place, error) from error


def _damaged(place: object, error: BaseException) -> MienError:
    reason = str(error).partition("\n")[0].partition(", /")[0].removeprefix("lance error: ")
    return MienError(
        f"{place}: the gallery can't be read or written ({reason}): see that the disk has room and"
        " the folder is yours; if a file is damaged or gone, put a copy of the whole folder back"
    )
