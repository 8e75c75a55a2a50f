"""Messages that native libraries write to standard error, past Python."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_STANDARD_ERROR = 2


@contextmanager
def without_message(message: str) -> Iterator[None]:
    r"""Keep one message out of standard error; everything else appears at the end of the block.

    For libraries that have no setting for their messages.

    Parameters
    ----------
    message : str
        As it is written, with the end of the line.

    Examples
    --------
    >>> with without_message("INFO: ready\n"):
    ...     _ = os.write(2, b"INFO: ready\n")
    """
    with tempfile.TemporaryFile() as file:
        before = os.dup(_STANDARD_ERROR)
        try:
            os.dup2(file.fileno(), _STANDARD_ERROR)
            yield
        finally:
            os.dup2(before, _STANDARD_ERROR)
            os.close(before)
            file.seek(0)
            rest = file.read().replace(message.encode(), b"")
            if rest:
                os.write(_STANDARD_ERROR, rest)
