"""The commands about studies and predictions: cv, baseline, compare, errors."""

import argparse
import json
from pathlib import Path

from mien.cli.compute import add_compute
from mien.cli.model_flags import add_model_flags
from mien.cli.runs import training_settings
from mien.cli.settings import add_fields
from mien.cli.study_output import show_study


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
    from mien.studies.cross_validation import PROTOCOL, cross_validate

    if args.jobs < 1 or min(args.seeds) < 0:
        args.parser.error("--jobs is at least 1, --seeds at least 0")
    model, config = training_settings(args, PROTOCOL)
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


def baseline(parser: argparse.ArgumentParser) -> None:
    """Make `mien baseline` of a parser."""
    add_study(parser)
    parser.add_argument(
        "--features",
        default="functionals",
        metavar="NAME|FILE",
        help="functionals: mean, deviation, 10 and 90 %% percentile of what mien features wrote;"
        " voice: embeddings of the packaged speaker encoder; whisper-tiny.en or another pretrained"
        " audio encoder, with :3 its first three layers; or a CSV or Parquet file with a row an"
        " utterance, such as opensmile writes (default: functionals)",
    )
    parser.add_argument(
        "--classifier",
        choices=("logistic", "svm"),
        default="logistic",
        help="logistic regression (ridge regression for numbers) or a linear support vector"
        " machine, with C chosen on validation (default: logistic)",
    )
    parser.add_argument("--task", default="emotion", help="what is learnt (default: emotion)")
    parser.add_argument(
        "--protocol", default="kfold-speakers", help="as mien cv takes it (default: kfold-speakers)"
    )
    parser.add_argument(
        "--num-folds", type=int, metavar="N", help="as mien cv takes it (default: 5)"
    )
    parser.set_defaults(handler=_baseline)


def _baseline(args: argparse.Namespace) -> None:
    from mien.studies.baseline import train_baseline

    if min(args.seeds) < 0:
        args.parser.error("--seeds is at least 0")
    found = train_baseline(
        args.data,
        args.out,
        args.features,
        task=args.task,
        classifier=args.classifier,
        protocol=args.protocol,
        num_folds=args.num_folds,
        folds=chosen_folds(args),
        seeds=args.seeds,
    )
    show_study(found)


def compare(parser: argparse.ArgumentParser) -> None:
    """Make `mien compare` of a parser."""
    parser.add_argument(
        "systems",
        type=Path,
        nargs="+",
        metavar="RUN|STUDY|FILE",
        help="two or more: runs after mien evaluate, studies, or files of predictions",
    )
    parser.add_argument("--task", help="which task (default: the first that all have)")
    parser.add_argument(
        "--metric",
        help="for labels: ua, wa, macro_f1, average_f1, weighted_accuracy; for numbers: ccc,"
        " pearson, mae, acc2 (default: the usual one of the task)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="also write the tables (.txt, .md, .tex; .csv, with the differences in a second file"
        " FILE-differences.csv), everything (.json), or a figure (.svg, .png)",
    )
    parser.set_defaults(handler=_compare)


def _compare(args: argparse.Namespace) -> None:
    from mien.files import check_writable, write_text
    from mien.report.comparison_tables import pair_table, system_table
    from mien.report.table_formats import FORMATS
    from mien.report.tables import fixed_width
    from mien.studies.comparison import compare
    from mien.studies.system import open_systems

    known = (*FORMATS, ".json", ".svg", ".png")
    for path in args.out:
        if path.suffix not in known:
            args.parser.error(f"--out {path}: the ending is one of {', '.join(known)}")
        check_writable(path.parent)
    found = compare(open_systems(args.systems), task=args.task, metric=args.metric)
    tables = [system_table(found), pair_table(found)]
    print("\n\n".join(map(fixed_width, tables)))
    for path in args.out:
        if path.suffix == ".csv":  # tables of different columns don't fit one file
            for each, ending in zip(tables, ("", "-differences"), strict=True):
                write_text(path.with_stem(path.stem + ending), FORMATS[".csv"](each))
        elif path.suffix in FORMATS:
            write_text(path, "\n".join(map(FORMATS[path.suffix], tables)))
        elif path.suffix == ".json":
            write_text(path, found.model_dump_json(indent=2))
        else:
            from mien.report.comparison_plot import plot_comparison

            plot_comparison(found, path)


def errors(parser: argparse.ArgumentParser) -> None:
    """Make `mien errors` of a parser."""
    parser.add_argument(
        "system",
        type=Path,
        metavar="RUN|STUDY|FILE",
        help="a run after mien evaluate, a study, or a file of predictions",
    )
    parser.add_argument("--task", help="which task (default: the first)")
    parser.add_argument("--label", help="only utterances of which this label is right")
    parser.add_argument(
        "--number", type=int, default=20, metavar="N", help="list so many (default: 20)"
    )
    parser.add_argument("--data", type=Path, help="where the prepared data lie, if they have moved")
    parser.add_argument("--json", type=Path, help="also write the list to this file as JSON")
    parser.set_defaults(handler=_errors)


def _errors(args: argparse.Namespace) -> None:
    from mien.files import write_text
    from mien.inference.error_analysis import confusions, with_media, worst_predictions
    from mien.report.error_tables import confusion_table, worst_table
    from mien.report.tables import fixed_width
    from mien.studies.system import open_system

    if args.number < 1:
        args.parser.error("--number is at least 1")
    predictions = open_system(args.system).predictions
    task = args.task or predictions.info.tasks[0].name
    found = worst_predictions(predictions, task, number=args.number, label=args.label)
    data = args.data or Path(predictions.info.data)
    found = with_media(found, data, predictions.info.fingerprint)
    confused = confusions(predictions, task, label=args.label)
    tables = [worst_table(task, found), confusion_table(confused)]
    shown = [fixed_width(table) for table in tables if table.labels]
    print("\n\n".join(shown) or f"{task}: no prediction is wrong")
    if args.json:
        write_text(args.json, json.dumps([each.model_dump() for each in found], indent=2))
