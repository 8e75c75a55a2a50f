"""Faults of the disk and of LanceDB, told as errors for users."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from mien.errors import MienError

_FAULTS = (OSError, RuntimeError, ValueError, pa.ArrowException)
"""What the disk, LanceDB and Arrow raise; of LanceDB's own classes these are the parents."""


@contextmanager
def told(place: object) -> Iterator[None]:
    """Turn what goes wrong with a gallery's files into one clear error.

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
    except _FAULTS as error:
        raise _damaged(place, error) from error
    except BaseException as error:
        if type(error).__name__ != "RustPanic":  # LanceDB's class has no place to import it from
            raise
        raise _damaged(place, error) from error


def _damaged(place: object, error: BaseException) -> MienError:
    reason = str(error).partition("\n")[0].partition(", /")[0].removeprefix("lance error: ")
    return MienError(
        f"{place}: the gallery can't be read or written ({reason}): see that the disk has room and"
        " the folder is yours; if a file is damaged or gone, put a copy of the whole folder back"
    )
