"""A process that keeps the memory it frees."""

import platform
import subprocess
import sys

import pytest

# pages that the second of two like allocations has mapped in
FAULTS = """
import resource
from mien.training.memory import keep_freed_memory

if {keep}:
    keep_freed_memory()
for _ in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    b"x" * (1 << 26)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


# mien leaves the memory of other C libraries as it is, so with them there is nothing to see
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is glibc's")
def test_freed_memory_is_used_again() -> None:
    kept, given_back = (
        int(subprocess.check_output([sys.executable, "-c", FAULTS.format(keep=keep)]))
        for keep in (True, False)
    )
    assert kept < 100 < given_back
