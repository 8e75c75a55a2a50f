"""The commands of the project: demo, bench."""

import argparse
from pathlib import Path

from mien.cli.compute import add_compute
from mien.cli.console import add_output

_FOLDER = Path("demo")


def demo(parser: argparse.ArgumentParser) -> None:
    """Make `mien demo` of a parser."""
    parser.add_argument(
        "--out", type=Path, default=_FOLDER, help="new folder for data, runs and results"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the data and of training")
    add_compute(parser)
    parser.set_defaults(handler=_demo)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    about = "generate a synthetic interview of two persons: a video with all that is true of it"
    action = actions.add_parser("interview", help=about, description=about)
    action.add_argument("folder", type=Path, help="new folder for the video and its truth")
    action.add_argument("--seconds", type=float, default=600, help="its length (default: 600)")
    # without a default of its own: that of the demo counts, and what stands before the action too
    action.add_argument(
        "--seed", type=int, default=argparse.SUPPRESS, help="seed of everything random (default: 0)"
    )
    add_output(action.add_argument_group("output"), again=True)
    action.set_defaults(handler=_interview, parser=action)


def _demo(args: argparse.Namespace) -> None:
    from mien.demo import demo

    demo(args.out, seed=args.seed, device=args.device)


def _interview(args: argparse.Namespace) -> None:
    from mien.corpora.synthetic.interview import interview

    if args.device or args.threads or args.out != _FOLDER:
        args.parser.error("takes no --out, --device or --threads, which are for the demo itself")

    interview(args.folder, seconds=args.seconds, seed=args.seed)
    print(args.folder)


def bench(parser: argparse.ArgumentParser) -> None:
    """Make `mien bench` of a parser."""
    parser.add_argument("name", nargs="*", help="benchmarks to run (default: all)")
    parser.set_defaults(handler=_bench)


def _bench(args: argparse.Namespace) -> None:
    from mien.bench import bench

    bench(args.name)
