"""Memory that a training step frees and the next one needs again."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # parameters of mallopt in glibc's malloc.h


def keep_freed_memory() -> None:
    """Let the C library keep what a step frees, for the next step.

    By default glibc gives large blocks back to the system at once. A step on CPU then has hundreds
    of megabytes mapped in again, page by page: a tenth of its time at the published sizes. The
    process holds on to the memory of its largest step. Without glibc nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_MMAP_MAX, 0)
        mallopt(_TRIM_THRESHOLD, -1)
