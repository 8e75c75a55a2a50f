"""How compute threads wait for each other on a machine that has other work too."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SPIN_COUNT = "100000"
"""Spins of a waiting thread of GNU OpenMP, about 0.2 ms; by default it is seconds."""

BLOCK_TIME = "1"
"""Milliseconds that a waiting thread of Intel OpenMP spins; by default it is 200."""

USER_VARIABLES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "KMP_BLOCKTIME")
"""Environment variables by which users set this themselves."""


def wait_briefly() -> None:
    """Make waiting threads release the processor soon, unless the user has set it otherwise.

    A thread that spins keeps the one it waits for from running where there are more threads than
    free processors: training then takes thirty times as long. OpenMP reads the environment when it
    is loaded, so call this before PyTorch is imported; child processes inherit it.
    `benchmarks/busy.py` measures it.
    """
    if not any(name in os.environ for name in USER_VARIABLES):
        os.environ |= {"GOMP_SPINCOUNT": SPIN_COUNT, "KMP_BLOCKTIME": BLOCK_TIME}


def use_threads(count: int) -> None:
    """Set the number of compute threads, in this process and in those that it starts.

    OpenMP reads the environment when it is loaded; where PyTorch has loaded it, PyTorch sets it.
    """
    os.environ |= {"OMP_NUM_THREADS": str(count), "MKL_NUM_THREADS": str(count)}
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(count)


@contextmanager
def shared_by(steps: int) -> Iterator[None]:
    """Divide the compute threads among steps that run at the same time, each in its own thread.

    Where each step used all processors, threads would wait for others that the system has put
    aside: the networks of a recording's voices then take five times as long beside those of its
    faces (two processors).
    """
    import cv2
    import torch

    before, before_cv2 = torch.get_num_threads(), cv2.getNumThreads()
    count = max(1, before // steps)
    torch.set_num_threads(count)
    cv2.setNumThreads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        cv2.setNumThreads(before_cv2)
