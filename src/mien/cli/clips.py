"""The commands about clips: predict, explain."""

import argparse
import json
import math
from pathlib import Path

from mien.errors import MienError
from mien.inference.prediction import Prediction


def predict(parser: argparse.ArgumentParser) -> None:
    """Make `mien predict` of a parser."""
    parser.add_argument("run", type=Path, help="the run folder")
    parser.add_argument("clip", nargs="*", help="video or sound files; none: the words alone")
    _add_words(parser)
    _add_length(parser)
    parser.add_argument("--json", help="write the predictions to this file, - for the screen")
    parser.set_defaults(handler=_predict)


def _add_length(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-seconds", type=float, default=600.0, help="longer clips are cut to this"
    )


def _add_words(parser: argparse.ArgumentParser) -> None:
    words = parser.add_mutually_exclusive_group()
    words.add_argument("--text", help="what is said")
    words.add_argument(
        "--transcript",
        type=Path,
        help="what is said, as a file: .srt, .vtt, .ass, .ttml, Whisper's .json or .tsv, or .txt",
    )


def _predict(args: argparse.Namespace) -> None:
    from mien.files import write_text

    _check_run(args)
    if not args.clip and args.text is None and args.transcript is None:
        args.parser.error("give clips, or --text or --transcript for words alone")
    if len(args.clip) > 1 and (args.text is not None or args.transcript is not None):
        args.parser.error("--text and --transcript go with one clip")
    predictions, failures = _answers(args)
    if args.json:
        documents = [prediction.model_dump(mode="json") for prediction in predictions]
        content = json.dumps(documents, indent=2, allow_nan=False)
        print(content) if args.json == "-" else write_text(Path(args.json), content)
    if failures:
        raise MienError("\nmien: ".join(failures))


def _check_run(args: argparse.Namespace) -> None:
    """Refuse a clip in the place of the run, and lengths that are none."""
    if args.run.is_file():
        args.parser.error(
            f"{args.run} is a file, where the run folder of a trained model is to be named first:"
            f" mien {args.command} RUN {args.run}"
        )
    if not 0 < args.max_seconds < math.inf:
        args.parser.error("--max-seconds is finite and above 0")


def _answers(args: argparse.Namespace) -> tuple[list[Prediction], list[str]]:
    """Answer for each clip, and show it unless the screen is for JSON; one's failure stops none."""
    from mien.inference.recognizer import Recognizer

    recognizer = Recognizer.load(args.run, max_seconds=args.max_seconds)
    predictions, failures = [], []
    for clip in args.clip or [None]:
        try:
            predictions.append(recognizer(clip, text=args.text, transcript=args.transcript))
        except MienError as error:
            failures.append(str(error))
            continue
        if args.json != "-":
            print(predictions[-1].table())
    return predictions, failures


def explain(parser: argparse.ArgumentParser) -> None:
    """Make `mien explain` of a parser."""
    parser.add_argument("run", type=Path, help="the run folder of a sparse model")
    parser.add_argument("clip", type=Path, help="a video or sound file")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    _add_words(parser)
    _add_length(parser)
    parser.set_defaults(handler=_explain)


def _explain(args: argparse.Namespace) -> None:
    from mien.inference.recognizer import Recognizer
    from mien.report.explain import explain

    _check_run(args)
    recognizer = Recognizer.load(args.run, max_seconds=args.max_seconds)
    explanation = explain(
        recognizer, args.clip, args.out, text=args.text, transcript=args.transcript
    )
    for file in explanation.files:
        print(args.out / file)
    for note in explanation.notes:
        print(f"note: {note}")
