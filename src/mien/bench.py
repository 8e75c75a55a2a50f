"""Find and run the benchmarks of a checkout of mien."""

import logging
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from mien.errors import MienError

FOLDER = Path("benchmarks")

logger = logging.getLogger(__name__)


def bench(names: Sequence[str] = ()) -> None:
    """Run benchmarks by name, or all; each writes its own table.

    Raises
    ------
    MienError
        This is not a checkout of mien, or there is no benchmark with a name.
    """
    known = {path.stem: path for path in sorted(FOLDER.glob("*.py"))}
    if not known:
        raise MienError("no benchmarks here: run this in a checkout of mien")
    for name in names or known:
        if name not in known:
            raise MienError(f"no benchmark {name!r}: there are {', '.join(known)}")
        logger.info("%s:", name)
        sys.argv = [str(known[name])]  # a script must not read the words of this command
        runpy.run_path(str(known[name]), run_name="__main__")
