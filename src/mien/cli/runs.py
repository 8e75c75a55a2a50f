"""The commands about a run: train, evaluate, verification, report."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.cli.compute import add_compute
from mien.cli.model_flags import add_model_flags, model_names, model_settings
from mien.cli.settings import add_fields, flag_of, read_settings
from mien.identity.pretrained import ENCODERS

if TYPE_CHECKING:
    from mien.inference.metrics import Metrics
    from mien.models import ModelConfig
    from mien.runs.run import Run
    from mien.training import TrainConfig


def train(parser: argparse.ArgumentParser) -> None:
    """Make `mien train` of a parser."""
    from mien.training.config import TrainConfig

    parser.add_argument(
        "data", type=Path, nargs="?", help="prepared data; with --resume only if they have moved"
    )
    parser.add_argument("--out", type=Path, required=True, help="the run folder")
    parser.add_argument(
        "--config", type=Path, help="recipe: YAML file with the sections model and training"
    )
    parser.add_argument("--resume", action="store_true", help="resume the run in --out")
    add_compute(parser)
    add_fields(parser.add_argument_group("training"), TrainConfig)
    add_model_flags(parser)
    parser.set_defaults(handler=_train)


def _train(args: argparse.Namespace) -> None:
    from mien.training import train
    from mien.training.job import first, joined

    with joined():
        if args.resume:
            run = _resume(args)
        elif args.data is None:
            args.parser.error("DATA is missing")
        else:
            run = train(args.data, args.out, *training_settings(args), device=args.device)
    if first():
        print(f"{run.folder} is trained; evaluate it with: mien evaluate {run.folder}")


def training_settings(
    args: argparse.Namespace, protocol: str | None = None
) -> "tuple[ModelConfig, TrainConfig]":
    """Read the settings of the recipe and the flags; `protocol` is used where neither names one.

    A flag that has no effect is refused. A setting of the recipe that has none, because of a flag,
    is left out, and a line says so.
    """
    from mien.training import TrainConfig
    from mien.training.job import first
    from mien.training.unread import drop_unread, refuse_unread

    model, changed = model_settings(args)
    config = read_settings(args, "training", TrainConfig)
    if config.protocol is None:
        config = config.model_copy(update={"protocol": protocol})
    refuse_unread(model, config, {*model_names(), *TrainConfig.model_fields} & set(vars(args)))
    model, config, notes = drop_unread(model, config)
    for note in changed + notes if first() else ():
        print(f"{args.config}: {note}")
    return model, config


def _resume(args: argparse.Namespace) -> "Run":
    from mien.runs.run import Run
    from mien.training import TrainConfig, train

    given = {*model_names(), *TrainConfig.model_fields} & set(vars(args))
    if given or args.config:
        flag = flag_of(min(given, default="config"))
        args.parser.error(f"--resume takes all settings from the run: leave {flag} out")
    data = args.data or Run(args.out).config.data.path
    return train(data, args.out, resume=True, device=args.device)


def evaluate(parser: argparse.ArgumentParser) -> None:
    """Make `mien evaluate` of a parser."""
    parser.add_argument("run", type=Path, help="the run folder, or that of a study of mien cv")
    parser.add_argument("--data", type=Path, help="other prepared data than those of training")
    parser.add_argument(
        "--split",
        choices=("train", "valid", "test", "all"),
        default="test",
        help="split to evaluate (default: test); all: every utterance, for data without any of"
        " those of training",
    )
    parser.add_argument("--modalities", help="use only these modalities, letters out of t, a, v")
    parser.add_argument(
        "--degrade",
        metavar="EFFECT",
        help="degrade the audio first: white:10, pink:10 or babble:10 (noise at a signal-to-noise"
        " ratio in dB), reverberation:0.5 (seconds), telephone, gain:-10 (dB); needs --out",
    )
    parser.add_argument(
        "--references",
        metavar="N",
        help="give the model N other clips of the same speaker, or neutral:N of clips labelled so;"
        " needs --out (default: without, and for a run that takes references also with 10)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="write metrics.json and predictions.parquet to this folder, and none to RUN",
    )
    parser.add_argument("--json", type=Path, help="write the metrics to this file as JSON")
    parser.add_argument(
        "--predictions",
        type=Path,
        help="write the prediction for each utterance to this Parquet file; those for the test"
        " split go to predictions.parquet in RUN as well",
    )
    add_compute(parser, batch_size="utterances")
    parser.set_defaults(handler=_evaluate)


def _evaluate(args: argparse.Namespace) -> None:
    from mien.dataset.effect import parse_effect
    from mien.files import check_writable, write_text
    from mien.inference.evaluate import (
        REFERENCES,
        metrics_of,
        predict_split,
        takes_references,
    )
    from mien.inference.evaluation_folder import make_folder, write_evaluation
    from mien.inference.predictions_file import PREDICTIONS, write_predictions
    from mien.runs.run import Run
    from mien.studies.study import STUDY

    files = list(filter(None, (args.json, args.predictions)))
    if args.degrade is not None or args.references is not None:
        flag = "--degrade" if args.degrade is not None else "--references"
        within = [path for path in files if path.parent.resolve() == args.run.resolve()]
        if args.out is None or within:
            args.parser.error(f"{flag} needs --out, and no file in RUN, which keeps its metrics")
    if args.degrade is not None:
        parse_effect(args.degrade)
    if args.run.joinpath(STUDY).is_file():
        _evaluate_study(args)
        return
    run = Run(args.run)
    if args.out:
        make_folder(args.out)
    for path in files:
        check_writable(path.parent)
    options: dict[str, Any] = {
        "data": args.data,
        "split": args.split,
        "modalities": args.modalities,
        "degrade": args.degrade,
        "device": args.device,
        "batch_size": args.batch_size,
    }
    predictions = predict_split(run, references=args.references, **options)
    metrics = metrics_of(predictions)
    show(metrics)
    if args.references is None and takes_references(run):
        more = metrics_of(predict_split(run, references=str(REFERENCES), **options))
        show(more)
        metrics = metrics.model_copy(update={"with_references": more.tasks})
    if args.json:
        write_text(args.json, metrics.model_dump_json(indent=2))
    if args.predictions:
        write_predictions(args.predictions, predictions)
    if args.out:
        write_evaluation(args.out, metrics, predictions)
        return
    moved = not Path(run.config.data.path).is_dir()
    if args.split == "test" and args.modalities is None and (args.data is None or moved):
        run.write("metrics.json", metrics.model_dump(mode="json"))
        write_predictions(run.folder / PREDICTIONS, predictions)


def _evaluate_study(args: argparse.Namespace) -> None:
    """Evaluate all trainings of a study again."""
    from mien.cli.study_output import show_study
    from mien.studies.evaluation import evaluate_study

    if args.out is None or args.split != "test" or args.modalities or args.json or args.predictions:
        args.parser.error(
            "a study is evaluated on its test folds: give --out, and neither --split, --modalities,"
            " --json nor --predictions"
        )
    found = evaluate_study(
        args.run,
        args.out,
        data=args.data,
        degrade=args.degrade,
        references=args.references,
        device=args.device,
        batch_size=args.batch_size,
    )
    show_study(found)


def show(metrics: "Metrics") -> None:
    """Print a table of the metrics of each task."""
    from mien.dataset.effect import parse_effect
    from mien.report.tables import table
    from mien.tasks import TASKS

    for name, block in metrics.tasks.items():
        print(f"\n{name}, {metrics.split} split, protocol {metrics.protocol}")
        if metrics.degraded is not None:
            print(f"degraded audio: {parse_effect(metrics.degraded).about}")
        if metrics.references is not None:
            print(f"with references of the same speaker: {metrics.references}")
        if metrics.synthetic:
            print("synthetic data: these metrics say nothing of real people")
        print(table(block))
    for name in metrics.unlabelled:
        speakers = TASKS[name].identifies_speakers
        hint = ": for unseen speakers see `mien verification`" if speakers else ""
        print(f"\n{name} is left out: no utterance has a known label for it{hint}")
    if metrics.left_out:
        print(f"{metrics.left_out} utterances are left out: no known label or no modality")


def verification(parser: argparse.ArgumentParser) -> None:
    """Make `mien verification` of a parser."""
    parser.add_argument("run", type=Path, nargs="?", help="the run folder")
    parser.add_argument(
        "--encoder",
        choices=ENCODERS,
        help="evaluate a pretrained encoder in place of a run: of the voice, the face, or both",
    )
    parser.add_argument("--data", type=Path, help="other prepared data than those of training")
    parser.add_argument(
        "--split",
        choices=("train", "valid", "test", "all"),
        help="split to evaluate (default: test; with --encoder always all)",
    )
    parser.add_argument("--modalities", help="use only these modalities, letters out of t, a, v")
    parser.add_argument(
        "--out",
        type=Path,
        help="folder for the metrics, the tables and the curves (default: verification in RUN)",
    )
    add_compute(parser, batch_size="with a run, utterances")
    parser.set_defaults(handler=_verification)


def _verification(args: argparse.Namespace) -> None:
    from mien.identity.verification import verify_encoder, verify_run, write_verification
    from mien.report.verification_tables import markdown

    if (args.run is None) == (args.encoder is None):
        args.parser.error("give either RUN or --encoder")
    if args.encoder is None:
        result = verify_run(
            args.run,
            data=args.data,
            split=args.split or "test",
            modalities=args.modalities,
            device=args.device,
            batch_size=args.batch_size,
        )
    elif args.data is None or args.split not in (None, "all") or args.modalities is not None:
        args.parser.error("--encoder needs --data, evaluates all of it, and takes no --modalities")
    else:
        result = verify_encoder(args.encoder, args.data, device=args.device)
    print(markdown(result))
    out = args.out or (args.run and args.run / "verification")
    if out:
        for file in write_verification(result, out):
            print(file)


def report(parser: argparse.ArgumentParser) -> None:
    """Make `mien report` of a parser."""
    parser.add_argument("run", type=Path, help="the run folder, after mien evaluate")
    parser.add_argument("--out", type=Path, help="page to write (default: report.html in RUN)")
    parser.set_defaults(handler=_report)


def _report(args: argparse.Namespace) -> None:
    from mien.report.run_report import write_report

    print(write_report(args.run, args.out))
