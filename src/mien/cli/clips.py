"""The commands about clips: predict, explain."""

import argparse
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli.compute import add_compute
from mien.errors import MienError
from mien.files import check_file, check_writable
from mien.modality import Modality

if TYPE_CHECKING:
    from mien.inference.prediction import Failure, Prediction
    from mien.inference.recognizer import Recognizer


def predict(parser: argparse.ArgumentParser) -> None:
    """Make `mien predict` of a parser."""
    parser.add_argument(
        "clip",
        nargs="*",
        help="video or sound files; none: text alone. A run folder may come first",
    )
    _add_model(parser)
    _add_text(parser)
    _add_length(parser)
    parser.add_argument("--json", help="write the predictions to this file, - for the screen")
    add_compute(parser, batch_size="segments")
    parser.set_defaults(handler=_predict)


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", metavar="RUN", help="a run folder, or the name of a run on the Hugging Face Hub"
    )


def _add_length(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-seconds", type=float, default=600.0, help="longer clips are cut to this"
    )


def _add_text(parser: argparse.ArgumentParser) -> None:
    text = parser.add_mutually_exclusive_group()
    text.add_argument("--text", help="what is said")
    text.add_argument(
        "--transcript",
        type=Path,
        help="what is said, as a file: .srt, .vtt, .ass, .ttml, Whisper's .json or .tsv, or .txt",
    )


def _predict(args: argparse.Namespace) -> None:
    from mien.files import write_text

    model, clips = _model_and_clips(args)
    said = args.text is not None or args.transcript is not None
    if not clips and not said:
        args.parser.error("give clips, or --text or --transcript for text alone")
    if len(clips) > 1 and said:
        args.parser.error("--text and --transcript go with one clip")
    if args.json and args.json != "-":
        check_writable(Path(args.json).parent)
    predictions, failures = [], []
    for result in _results(args, model, clips):
        if isinstance(result, str):
            failures.append(result)
            continue
        predictions.append(result)
        if args.json != "-":
            print(result.table())
    if args.json:
        documents = [prediction.model_dump(mode="json") for prediction in predictions]
        content = json.dumps(documents, indent=2, allow_nan=False)
        print(content) if args.json == "-" else write_text(Path(args.json), content)
    if failures:
        raise MienError("\nmien: ".join(failures))


def _model_and_clips(args: argparse.Namespace) -> tuple[str, list[str]]:
    """Tell the model from the clips, and check what can be checked before anything is loaded."""
    if not 0 < args.max_seconds < math.inf:
        args.parser.error("--max-seconds is finite and above 0")
    model, clips = args.model, list(args.clip)
    if model is None:
        if not clips or not Path(clips[0]).is_dir():
            first = f", and {clips[0]} is no run folder" if clips else ""
            args.parser.error(f"name the model with --model{first}: a run folder, or a name")
        model = clips.pop(0)
    if Path(model).is_dir() and not Path(model, "config.yaml").is_file():
        raise MienError(f"{model} is no run folder: it has no config.yaml")
    return model, clips


def _results(
    args: argparse.Namespace, model: str, clips: list[str]
) -> "Iterator[Prediction | str]":
    """Answer for each clip, in order; one that can't be used costs no other."""
    from mien.inference.prediction import Prediction

    missing = {}
    for clip in clips:
        try:
            check_file(Path(clip))
        except MienError as error:
            missing[clip] = str(error)
    usable: list[str | None] = [clip for clip in clips if clip not in missing]
    answers: Iterator[Prediction | Failure] = iter(())
    if usable or not clips:
        one = usable or [None]
        said = args.text is not None or args.transcript is not None
        answers = _recognizer(args, model, said).stream(
            one,
            text=[args.text] if len(one) == 1 else None,
            transcript=[args.transcript] if len(one) == 1 else None,
            batch_size=args.batch_size,
        )
    for clip in clips or [""]:
        if clip in missing:
            yield missing[clip]
            continue
        answer = next(answers)
        yield answer if isinstance(answer, Prediction) else answer.reason


def _recognizer(args: argparse.Namespace, model: str, said: bool) -> "Recognizer":
    """Load the model, without its text encoder where nothing is said to be said."""
    from mien.inference.recognizer import Recognizer

    shown = [m for m in Modality if said or m is not Modality.TEXT]
    return Recognizer.from_pretrained(
        model, device=args.device, max_seconds=args.max_seconds, modalities=shown
    )


def explain(parser: argparse.ArgumentParser) -> None:
    """Make `mien explain` of a parser."""
    parser.add_argument(
        "clip", nargs="+", help="a video or sound file. The run folder may come first"
    )
    _add_model(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    _add_text(parser)
    _add_length(parser)
    add_compute(parser)
    parser.set_defaults(handler=_explain)


def _explain(args: argparse.Namespace) -> None:
    model, clips = _model_and_clips(args)
    if len(clips) != 1:
        args.parser.error(f"give one clip, not {len(clips)}")
    check_file(Path(clips[0]))

    from mien.report.explain import explain

    recognizer = _recognizer(args, model, said=True)
    explanation = explain(
        recognizer, clips[0], args.out, text=args.text, transcript=args.transcript
    )
    for file in explanation.files:
        print(args.out / file)
    for note in explanation.notes:
        print(f"note: {note}")
