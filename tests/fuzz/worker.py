"""The process that runs cases: `python -m fuzz.worker FAMILY ORIGINALS` reads their numbers."""

import json
import os
import shutil
import sys
import tempfile
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from fuzz.cases import Bench


def main() -> None:
    """Answer each number on standard input with a line of JSON on standard output."""
    family, originals = sys.argv[1], Path(sys.argv[2])
    orders, answers = _apart()
    warnings.simplefilter("ignore")
    place = Path(tempfile.mkdtemp(prefix="fuzz"))
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HOME": str(place / "hub")}
    try:
        bench = Bench(family, originals, place)
        for name in bench.targets:  # which imports what is slow to import
            bench.healthy(name)
        print("ready", file=answers, flush=True)
        os.dup2(0, 2)
        for line in orders:
            print(json.dumps(asdict(bench.run(int(line)))), file=answers, flush=True)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _apart() -> tuple[TextIO, TextIO]:
    """Keep the orders and answers from what libraries read and print."""
    orders, answers = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    return orders, answers


if __name__ == "__main__":
    main()
