"""The commands about clips: predict, explain."""

import argparse
import json
import math
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli.compute import add_compute
from mien.cli.speakers import add_speakers, check_speakers, predict_all
from mien.errors import MienError
from mien.files import check_file, check_writable
from mien.modality import Modality
from mien.runs.ready_made import BASE, READY_MADE, about

if TYPE_CHECKING:
    from mien.inference.prediction import Failure, Prediction
    from mien.inference.recognizer import Recognizer


def predict(parser: argparse.ArgumentParser) -> None:
    """Make `mien predict` of a parser."""
    parser.add_argument(
        "clip",
        nargs="*",
        help="video or audio files (none: text alone); a run folder may come first",
    )
    _add_model(parser)
    _add_text(parser)
    _add_length(parser)
    add_speakers(parser)
    parser.add_argument(
        "--answer-all",
        action="store_true",
        help="answer even where the model would say that it can't tell",
    )
    parser.add_argument(
        "--json", help="write the predictions to this file as JSON; - for standard output"
    )
    add_compute(parser, batch_size="segments")
    parser.set_defaults(handler=_predict)


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        metavar="RUN",
        help="a run folder, the name of a run on the Hugging Face Hub, or a ready-made model:"
        f" {', '.join(READY_MADE)} (default: {BASE})",
    )


def _add_length(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-seconds",
        type=float,
        default=600.0,
        help="cut longer clips to this length (default: 600)",
    )


def _add_text(parser: argparse.ArgumentParser) -> None:
    text = parser.add_mutually_exclusive_group()
    text.add_argument("--text", help="what is said")
    text.add_argument(
        "--transcript",
        type=Path,
        help="file of what is said: .srt, .vtt, .ass, .ttml, Whisper's .json or .tsv, or .txt",
    )


def _predict(args: argparse.Namespace) -> None:
    from mien.files import write_text

    model, clips = _model_and_clips(args)
    has_text = args.text is not None or args.transcript is not None
    if not clips and not has_text:
        args.parser.error(
            f"give video or audio files (mien predict clip.mp4), or text (--text"
            f' "I am so glad"); the model is {model} unless --model names another'
        )
    if len(clips) > 1 and has_text:
        args.parser.error("--text and --transcript are for a single clip")
    check_speakers(args, clips)
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
    if predictions and model in READY_MADE and args.json != "-":
        print("\n".join(["", *about(model)]))
    if args.json:
        documents = [prediction.model_dump(mode="json") for prediction in predictions]
        content = json.dumps(documents, indent=2, allow_nan=False)
        print(content) if args.json == "-" else write_text(Path(args.json), content)
    if failures:
        raise MienError("\nmien: ".join(failures))


def _model_and_clips(args: argparse.Namespace) -> tuple[str, list[str]]:
    """Return the model and the clips, checked as far as is possible before anything is loaded."""
    if not 0 < args.max_seconds < math.inf:
        args.parser.error("--max-seconds must be a finite number above 0")
    model, clips = args.model, list(args.clip)
    if model is None:
        model = clips.pop(0) if clips and _names_a_model(clips[0]) else BASE
    if model in READY_MADE or not Path(model).is_dir():
        return model, clips
    if not any(Path(model, name).is_file() for name in ("config.yaml", "joined.json")):
        raise MienError(f"{model} is not a run folder: it has no config.yaml")
    return model, clips


def _names_a_model(first: str) -> bool:
    """Tell a ready-made model or a run folder from a clip. Raises `MienError` if it is neither."""
    if first in READY_MADE or Path(first).is_dir():
        return True
    if not Path(first).suffix and not Path(first).exists():
        raise MienError(f"{first} is neither a run folder nor a clip: check the name")
    return False


def _results(
    args: argparse.Namespace, model: str, clips: list[str]
) -> "Iterator[Prediction | str]":
    """Yield the prediction for each clip, in order, or why the clip can't be used."""
    from mien.inference.prediction import Prediction

    missing = {}
    for clip in clips:
        try:
            check_file(Path(clip))
        except MienError as error:
            missing[clip] = str(error)
    usable: list[str | None] = [clip for clip in clips if clip not in missing]
    results: Iterator[Prediction | Failure] = iter(())
    if usable or not clips:
        given = usable or [None]
        has_text = args.text is not None or args.transcript is not None
        given_to_model = _given(has_text, has_clips=bool(usable))
        recognizer = _recognizer(args, model, given_to_model, abstention=not args.answer_all)
        results = predict_all(
            args,
            recognizer,
            given,
            text=[args.text] if len(given) == 1 else None,
            transcript=[args.transcript] if len(given) == 1 else None,
            batch_size=args.batch_size,
        )
    for clip in clips or [""]:
        if clip in missing:
            yield missing[clip]
            continue
        result = next(results)
        yield result if isinstance(result, Prediction) else result.reason


def _given(has_text: bool, *, has_clips: bool) -> list[Modality]:
    """List the modalities that a command may give to a model."""
    return [m for m in Modality if (has_text if m is Modality.TEXT else has_clips)]


def _recognizer(
    args: argparse.Namespace, model: str, used: Collection[Modality], *, abstention: bool
) -> "Recognizer":
    """Load the model, without the encoders of modalities that are not used."""
    from mien.inference.recognizer import Recognizer

    return Recognizer.from_pretrained(
        model,
        device=args.device,
        max_seconds=args.max_seconds,
        modalities=used,
        abstention=abstention,
    )


def explain(parser: argparse.ArgumentParser) -> None:
    """Make `mien explain` of a parser."""
    parser.add_argument(
        "clip", nargs="+", help="a video or audio file; the run folder may come first"
    )
    _add_model(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder for the attention maps")
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

    recognizer = _recognizer(args, model, list(Modality), abstention=False)
    explanation = explain(
        recognizer, clips[0], args.out, text=args.text, transcript=args.transcript
    )
    for file in explanation.files:
        print(args.out / file)
    for note in explanation.notes:
        print(f"note: {note}")
