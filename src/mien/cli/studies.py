"""The commands about studies: cv, compare, baseline, errors."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli.compute import add_compute
from mien.cli.model_flags import add_model_flags
from mien.cli.runs import training_settings
from mien.cli.settings import add_fields

if TYPE_CHECKING:
    from mien.studies.summary import StudyMetrics


def cv(parser: argparse.ArgumentParser) -> None:
    """Make `mien cv` of a parser."""
    from mien.training.config import TrainConfig

    add_study(parser)
    parser.add_argument("--config", type=Path, help="YAML with sections model and training")
    parser.add_argument(
        "--jobs", type=int, default=1, help="trainings at a time (default: 1, which uses all cores)"
    )
    parser.add_argument(
        "--keep",
        choices=("best", "none"),
        default="best",
        help="weights to keep of each training: those of its best epoch, or none",
    )
    add_compute(parser)
    add_fields(parser.add_argument_group("training"), TrainConfig, without=("fold", "seed"))
    add_model_flags(parser)
    parser.set_defaults(handler=_cv)


def add_study(parser: argparse.ArgumentParser) -> None:
    """Add what every study takes."""
    parser.add_argument("data", type=Path, help="prepared data")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="folder of the study; the same command goes on where it was interrupted",
    )
    parser.add_argument(
        "--folds",
        nargs="+",
        default=["all"],
        metavar="N",
        help="folds of the protocol, from 1 (default: all)",
    )
    parser.add_argument(
        "--seeds", nargs="+", type=int, default=[0], metavar="N", help="random seeds (default: 0)"
    )


def chosen_folds(args: argparse.Namespace) -> list[int] | None:
    """Read --folds: None for all."""
    if args.folds == ["all"]:
        return None
    if not all(text.isdecimal() and int(text) for text in args.folds):
        args.parser.error("--folds takes all, or numbers from 1")
    return [int(text) for text in args.folds]


def _cv(args: argparse.Namespace) -> None:
    from mien.studies.cross_validation import cross_validate

    if args.jobs < 1 or min(args.seeds) < 0:
        args.parser.error("--jobs is at least 1, --seeds at least 0")
    model, config = training_settings(args)
    found = cross_validate(
        args.data,
        args.out,
        model,
        config,
        folds=chosen_folds(args),
        seeds=args.seeds,
        jobs=args.jobs,
        keep=args.keep,
        device=args.device,
    )
    show_study(found)


def show_study(found: "StudyMetrics") -> None:
    """Print the tables of a study."""
    from mien.report.study_tables import fold_table, leakage_table, metric_tables
    from mien.report.tables import fixed_width

    if found.synthetic:
        print("synthetic data: these metrics say nothing of real people")
    tables = [leakage_table(found)]
    tables += [fold_table(found, task) for task in found.tasks if len(found.folds) > 1]
    for table in tables + metric_tables(found):
        print(f"\n{fixed_width(table)}")
