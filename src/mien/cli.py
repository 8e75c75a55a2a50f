"""The command line: it parses, calls and prints, and does nothing else."""

import argparse
import json
import os
import sys
import warnings
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from mien import __version__
from mien.errors import MienError

Handler = Callable[[argparse.Namespace], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 done, 1 the work failed, 2 the command was wrong."""
    parser = build_parser()
    args = parser.parse_args(arguments)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    warnings.filterwarnings("ignore", category=UserWarning, module="lightning")
    try:
        args.handler(args)
    except MienError as error:
        if args.debug:
            raise
        print(f"mien: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        if args.debug:
            raise
        print("mien: interrupted", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if args.debug:
            raise
        kind = type(error).__name__
        print(f"mien: unexpected {kind}: {error} (--debug shows where)", file=sys.stderr)
        return 1
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Make the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="mien", description="Tell how a person feels and who they are from a recording."
    )
    parser.add_argument("--version", action="version", version=f"mien {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (about, arguments, handler) in COMMANDS.items():
        command = commands.add_parser(name, help=about, description=about)
        arguments(command)
        command.add_argument("--debug", action="store_true", help="show a traceback on errors")
        command.set_defaults(handler=handler, parser=command)
    return parser


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path("demo"), help="new folder for everything")
    parser.add_argument("--seed", type=int, default=0, help="of the data and of training")


def _demo(args: argparse.Namespace) -> None:
    from mien.demo import demo

    demo(args.out, seed=args.seed)


def _prepare_arguments(parser: argparse.ArgumentParser) -> None:
    from mien.corpora import CORPORA

    about = "; ".join(f"{name}: {corpus.about}" for name, corpus in CORPORA.items())
    parser.add_argument("corpus", choices=list(CORPORA), metavar="CORPUS", help=about)
    parser.add_argument(
        "source", type=Path, help="its folder or file; for synthetic a new folder to generate it in"
    )
    parser.add_argument("out", type=Path, help="folder for the prepared data")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)"
    )
    parser.add_argument(
        "--frame-interval", type=float, default=0.5, help="seconds between pictures"
    )
    parser.add_argument("--limit", type=int, help="stop after so many utterances")
    parser.add_argument(
        "--emotions", choices=("six", "all"), help="iemocap: the published six or all labels"
    )
    parser.add_argument(
        "--person-rule",
        choices=("speaker", "published"),
        help="iemocap: whose an utterance is; published: the fork's rule, right half the time",
    )
    parser.add_argument(
        "--named-side",
        choices=("left", "right"),
        help="iemocap: where the actor named in the dialogue's id sits",
    )
    parser.add_argument("--dialogues", type=int, help="synthetic: dialogues a session")
    parser.add_argument("--turns", type=int, help="synthetic: turns a dialogue")
    parser.add_argument("--seed", type=int, help="synthetic: of everything random")


def _prepare(args: argparse.Namespace) -> None:
    from mien.corpora import CORPORA
    from mien.dataset.prepare import prepare

    def given(*names: str) -> dict[str, Any]:
        return {n: v for n in names if (v := getattr(args, n)) is not None}

    corpus = CORPORA[args.corpus]
    reading = given("emotions", "person_rule", "named_side")
    making = given("dialogues", "turns", "seed")
    for names, allowed in ((reading, ("iemocap", "synthetic")), (making, ("synthetic",))):
        if names and args.corpus not in allowed:
            flag = "--" + next(iter(names)).replace("_", "-")
            args.parser.error(f"{flag} is not for the corpus {args.corpus}")
    if args.workers < 1 or args.frame_interval <= 0 or (args.limit is not None and args.limit < 1):
        args.parser.error("--workers and --limit are at least 1, --frame-interval above 0")
    if args.corpus == "synthetic":
        _generate(args, making)
    summary = prepare(
        list(corpus.read(args.source, **reading)),
        args.out,
        corpus=args.corpus,
        workers=args.workers,
        frame_interval=args.frame_interval,
        limit=args.limit,
        options=reading | _identity(args.source),
    )
    print(summary)


def _generate(args: argparse.Namespace, making: dict[str, Any]) -> None:
    """Generate the synthetic corpus where it is not there yet."""
    from mien.corpora import synthetic

    if not args.source.is_dir() or not any(args.source.iterdir()):
        synthetic.write(args.source, **making)
    elif not (args.source / "SYNTHETIC.txt").is_file():
        raise MienError(f"{args.source} holds something else than a synthetic corpus")
    elif making:
        flag = "--" + next(iter(making))
        args.parser.error(f"{args.source} is generated already: leave {flag} out or name another")


def _identity(source: Path) -> dict[str, Any]:
    """Tell one source from another, so that a folder is not taken for the wrong one."""
    content = {"checksum": zlib.crc32(source.read_bytes())} if source.is_file() else {}
    return {"source": str(source.resolve())} | content


def _inspect_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, help="prepared data")


def _inspect(args: argparse.Namespace) -> None:
    from mien.dataset.inspect import inspect

    print(inspect(args.data))


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    from mien.models import ModelConfig
    from mien.training.config import TrainConfig

    parser.add_argument(
        "data", type=Path, nargs="?", help="prepared data; with --resume only where they have moved"
    )
    parser.add_argument("--out", type=Path, required=True, help="the run folder")
    parser.add_argument("--config", type=Path, help="YAML with sections model and training")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    parser.add_argument("--model", choices=("mme2e",), default="mme2e", help="architecture")
    add_fields(parser.add_argument_group("training"), TrainConfig)
    add_fields(parser.add_argument_group("model"), ModelConfig)


def add_fields(group: Any, settings: type[BaseModel]) -> None:
    """Make a flag of each field; what is not given stays out, so that files can set it."""
    for name, field in settings.model_fields.items():
        flag = "--" + name.replace("_", "-")
        default = "" if field.default is None else f" (default: {field.default})"
        options: dict[str, Any] = {"default": argparse.SUPPRESS}
        if field.annotation is bool:
            options["action"] = argparse.BooleanOptionalAction
        else:
            options["metavar"] = "VALUE"
        group.add_argument(flag, dest=name, help=f"{field.description}{default}", **options)


def _settings(args: argparse.Namespace, section: str, kind: type[BaseModel]) -> Any:
    """Read a section of --config, then what the command line says."""
    content: dict[str, Any] = {}
    if args.config is not None:
        content = dict(_read_yaml(args.config).get(section, {}))
    content |= {name: getattr(args, name) for name in kind.model_fields if hasattr(args, name)}
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or section
        args.parser.error(f"{where}: {first['msg']} (given: {first['input']!r})")


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise MienError(f"{path} can't be read as YAML: {error}") from error
    sections = {"model": dict, "training": dict, "about": str}
    if not isinstance(content, dict) or not all(
        isinstance(part, sections.get(name, ())) for name, part in content.items()
    ):
        raise MienError(
            f"{path} should have sections model and training with a setting a line, and about"
        )
    return content


def _train(args: argparse.Namespace) -> None:
    from mien.models import ModelConfig
    from mien.run import Run
    from mien.training import TrainConfig, train

    if args.resume:
        given = {*ModelConfig.model_fields, *TrainConfig.model_fields} & set(vars(args))
        if given or args.config:
            flag = "--" + min(given, default="config").replace("_", "-")
            args.parser.error(f"--resume takes all settings from the run: leave {flag} out")
        run = train(args.data or Run(args.out).config.data.path, args.out, resume=True)
    elif args.data is None:
        args.parser.error("DATA is missing")
    else:
        run = train(
            args.data,
            args.out,
            _settings(args, "model", ModelConfig),
            _settings(args, "training", TrainConfig),
        )
    print(f"{run.folder} is trained; measure it with: mien evaluate {run.folder}")


def _evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="the run folder")
    parser.add_argument("--data", type=Path, help="other prepared data than those of training")
    parser.add_argument(
        "--split",
        choices=("train", "valid", "test", "all"),
        default="test",
        help="part to judge; all: every utterance, for data of which none was trained on",
    )
    parser.add_argument("--modalities", help="show the model only these letters out of t, a, v")
    parser.add_argument("--json", type=Path, help="write the figures to this file")


def _evaluate(args: argparse.Namespace) -> None:
    from mien.evaluation.report import table
    from mien.files import write_text
    from mien.run import Run
    from mien.training.evaluate import evaluate_run

    metrics = evaluate_run(args.run, data=args.data, part=args.split, modalities=args.modalities)
    for name, block in metrics["tasks"].items():
        print(f"\n{name}, {args.split} part, protocol {metrics['protocol']}")
        if metrics["synthetic"]:
            print("synthetic data: these figures say nothing of real people")
        print(table(block))
    if metrics["left_out"]:
        print(f"{metrics['left_out']} utterances have no known label or nothing to go by")
    if args.json:
        write_text(args.json, json.dumps(metrics, indent=2, allow_nan=False))
    run = Run(args.run)
    moved = not Path(run.config.data.path).is_dir()
    if args.split == "test" and args.modalities is None and (args.data is None or moved):
        run.write("metrics.json", metrics)


def _report_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="the run folder, after mien evaluate")
    parser.add_argument("--out", type=Path, help="page to write (default: report.html in RUN)")


def _report(args: argparse.Namespace) -> None:
    from mien.report import write_report

    print(write_report(args.run, args.out))


def _predict_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="the run folder")
    parser.add_argument("clip", nargs="*", help="video or sound files; none: the words alone")
    words = parser.add_mutually_exclusive_group()
    words.add_argument("--text", help="what is said")
    words.add_argument("--transcript", type=Path, help="what is said: .srt, .vtt or a text file")
    parser.add_argument("--json", help="write the predictions to this file, - for the screen")


def _predict(args: argparse.Namespace) -> None:
    from mien.files import write_text
    from mien.recognizer import Recognizer

    if not args.clip and args.text is None and args.transcript is None:
        args.parser.error("give clips, or --text or --transcript for words alone")
    if len(args.clip) > 1 and (args.text is not None or args.transcript is not None):
        args.parser.error("--text and --transcript go with one clip")
    recognizer = Recognizer.load(args.run)
    predictions, failures = [], []
    for clip in args.clip or [None]:
        try:
            predictions.append(recognizer(clip, text=args.text, transcript=args.transcript))
        except MienError as error:
            failures.append(str(error))
            continue
        if args.json != "-":
            print(predictions[-1].table())
    if args.json:
        content = json.dumps([p.model_dump(mode="json") for p in predictions], indent=2)
        print(content) if args.json == "-" else write_text(Path(args.json), content)
    if failures:
        raise MienError("\nmien: ".join(failures))


def _bench_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="*", help="benchmarks to run (default: all)")


def _bench(args: argparse.Namespace) -> None:
    from mien.bench import bench

    bench(args.name)


COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None], Handler]] = {
    "demo": ("generate a synthetic corpus and do everything with it", _demo_arguments, _demo),
    "prepare": ("turn a corpus into data for training", _prepare_arguments, _prepare),
    "inspect": ("count what prepared data hold, and what leaks", _inspect_arguments, _inspect),
    "train": ("train a model", _train_arguments, _train),
    "evaluate": ("measure a trained model", _evaluate_arguments, _evaluate),
    "report": ("write a page of a run's figures and curves", _report_arguments, _report),
    "predict": ("say how somebody feels and who they are", _predict_arguments, _predict),
    "bench": ("run the benchmarks of a checkout", _bench_arguments, _bench),
}
