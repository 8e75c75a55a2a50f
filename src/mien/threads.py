"""How the threads that compute wait for each other, on a machine that has other work too."""

import os
import sys

SPIN = "100000"
"""Turns that a thread of GNU's OpenMP waits awake, about 0.2 ms; by default it is seconds."""

BLOCK = "1"
"""Milliseconds that a thread of Intel's OpenMP waits awake; by default it is 200."""

CHOICES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "KMP_BLOCKTIME")
"""The environment variables by which users choose for themselves."""


def wait_briefly() -> None:
    """Have threads that wait give up the processor soon, unless the user has chosen otherwise.

    One thread that waits awake keeps the one it waits for from running when there are more
    threads than free processors: training then takes thirty times as long. OpenMP reads the
    environment when it is loaded, so this comes before PyTorch is imported; processes that are
    started later inherit it. `benchmarks/busy.py` measures it.
    """
    if not any(name in os.environ for name in CHOICES):
        os.environ |= {"GOMP_SPINCOUNT": SPIN, "KMP_BLOCKTIME": BLOCK}


def use_threads(count: int) -> None:
    """Compute with so many threads, in this process and in those that it starts.

    OpenMP reads the environment when it is loaded; where PyTorch has loaded it, that is told too.
    """
    os.environ |= {"OMP_NUM_THREADS": str(count), "MKL_NUM_THREADS": str(count)}
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(count)
