"""Reuse of the memory that training steps free."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # parameters of mallopt in glibc's malloc.h


def keep_freed_memory() -> None:
    """Let the C library keep the memory that a step frees for the next step.

    By default glibc returns large blocks to the system at once. A step on the CPU then maps
    hundreds of megabytes again, page by page, which takes a tenth of its time at the published
    sizes. The process keeps the memory of its largest step. Without glibc, nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_MMAP_MAX, 0)
        mallopt(_TRIM_THRESHOLD, -1)
