"""Run the fuzzers: many cases, or one again."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tqdm import tqdm

from fuzz import table, watch
from fuzz.cases import FAMILIES, Result, build


def main() -> int:
    """Run what the command line asks for; return 1 where a case failed."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--family", choices=FAMILIES, action="append", help="these alone")
    parser.add_argument("--cases", type=int, default=2000, help="of all families (default: 2000)")
    parser.add_argument("--case", type=int, action="append", help="run these numbers again")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--page", type=Path, help="page to write the table to")
    parser.add_argument(
        "--failures",
        type=Path,
        default=Path(tempfile.gettempdir(), "mien-fuzz-failures"),
        help="folder for the files of cases that failed",
    )
    args = parser.parse_args()
    families = args.family or list(FAMILIES)
    if args.case and len(families) != 1:
        parser.error("--case goes with one --family")
    began = time.monotonic()
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="fuzz") as folder:
        for family, count in shares(args.cases, families).items():
            cases = args.case or range(count)
            originals = build(family, Path(folder))
            with tqdm(total=len(cases), desc=family, unit="case", disable=None) as bar:
                results += watch.run(
                    family,
                    originals,
                    cases,
                    jobs=args.jobs,
                    failures=args.failures,
                    tell=lambda result, bar=bar: bar.update(),
                )
    if args.case:
        for result in results:
            print(result)
    print(table.markdown(results), f"\n{time.monotonic() - began:.0f} s", sep="\n")
    if args.page:
        table.write(results, args.page)
    if bad := table.faults(results):
        print(bad)
    return int(bool(bad))


def shares(cases: int, families: list[str]) -> dict[str, int]:
    """Divide the cases among the families."""
    whole = sum(FAMILIES[family] for family in families)
    return {family: max(1, cases * FAMILIES[family] // whole) for family in families}


if __name__ == "__main__":
    sys.exit(main())
