"""The commands of the project: demo, bench."""

import argparse
from pathlib import Path

from mien.cli.compute import add_compute


def demo(parser: argparse.ArgumentParser) -> None:
    """Make `mien demo` of a parser."""
    parser.add_argument(
        "--out", type=Path, default=Path("demo"), help="new folder for data, runs and results"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the data and of training")
    add_compute(parser)
    parser.set_defaults(handler=_demo)


def _demo(args: argparse.Namespace) -> None:
    from mien.demo import demo

    demo(args.out, seed=args.seed, device=args.device)


def bench(parser: argparse.ArgumentParser) -> None:
    """Make `mien bench` of a parser."""
    parser.add_argument("name", nargs="*", help="benchmarks to run (default: all)")
    parser.set_defaults(handler=_bench)


def _bench(args: argparse.Namespace) -> None:
    from mien.bench import bench

    bench(args.name)
