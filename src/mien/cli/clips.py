"""The commands about clips: predict, explain."""

import argparse
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli.compute import add_compute
from mien.cli.many_files import add_many_files, check_many_files, predict_many
from mien.cli.model_choice import add_model, model_and_clips
from mien.cli.predictor import load_recognizer, predictor
from mien.cli.speakers import add_speakers, check_speakers
from mien.cli.transcribe import add_transcribe, check_transcribe
from mien.errors import MienError
from mien.files import check_file, check_writable
from mien.modality import Modality
from mien.runs.ready_made import READY_MADE, about

if TYPE_CHECKING:
    from mien.inference.clip_list import ListedClip
    from mien.inference.prediction import Prediction

logger = logging.getLogger(__name__)


def predict(parser: argparse.ArgumentParser) -> None:
    """Make `mien predict` of a parser."""
    parser.add_argument(
        "clip",
        nargs="*",
        help="video or audio files, folders of them, patterns such as 'clips/*.mp4', or lists"
        " (.csv, .jsonl, .txt); none: text alone; a run folder may come first",
    )
    add_model(parser)
    add_transcribe(_add_text(parser), parser)
    parser.add_argument(
        "--no-sidecar",
        dest="sidecar",
        action="store_false",
        help="don't use the transcript that lies beside a clip, such as clip.srt beside clip.mp4",
    )
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
    add_many_files(parser)
    add_compute(parser, batch_size="segments")
    parser.set_defaults(handler=_predict)


def _add_length(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-seconds",
        type=float,
        default=600.0,
        help="cut longer clips to this length (default: 600)",
    )


def _add_text(parser: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    text = parser.add_mutually_exclusive_group()
    text.add_argument("--text", help="what is said")
    text.add_argument(
        "--transcript",
        type=Path,
        help="file of what is said: .srt, .vtt, .ass, .ttml, Whisper's .json or .tsv, or .txt",
    )
    return text


def _predict(args: argparse.Namespace) -> None:
    check_many_files(args)
    check_transcribe(args)
    model, names = model_and_clips(args, folders=True)
    clips = _listed(args, model, names)
    check_speakers(args, [clip.clip for clip in clips])
    if args.out is not None:
        used = _modalities(clips, transcribe=args.transcribe is not None)
        predict_many(args, model, clips, used)
    else:
        _show(args, model, clips)


def _listed(args: argparse.Namespace, model: str, names: Sequence[str]) -> "list[ListedClip]":
    """Find the clips that are named, with their texts."""
    from mien.inference.clip_list import ListedClip
    from mien.inference.clip_search import find_clips

    has_text = args.text is not None or args.transcript is not None
    if not names and not has_text:
        args.parser.error(
            f"give video or audio files (mien predict clip.mp4), or text (--text"
            f' "I am so glad"); the model is {model} unless --model names another'
        )
    found = find_clips(names, beside=args.sidecar and not has_text)
    for note in found.notes:
        logger.info("%s", note)
    if not has_text:
        return found.clips
    if len(found.clips) > 1:
        args.parser.error("--text and --transcript are for a single clip")
    transcript = None if args.transcript is None else str(args.transcript)
    clip = found.clips[0] if found.clips else ListedClip()
    return [replace(clip, text=args.text, transcript=transcript)]


def _show(args: argparse.Namespace, model: str, clips: "Sequence[ListedClip]") -> None:
    """Print a table for each clip, or JSON of all."""
    from mien.files import write_text

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


def _results(
    args: argparse.Namespace, model: str, clips: "Sequence[ListedClip]"
) -> "Iterator[Prediction | str]":
    """Yield the prediction for each clip, in order, or why the clip can't be used."""
    from mien.inference.listed_prediction import predict_listed
    from mien.inference.prediction import Failure

    missing = {}
    for number, clip in enumerate(clips):
        try:
            if clip.clip is not None:
                check_file(Path(clip.clip))
        except MienError as error:
            missing[number] = str(error)
    usable = [clip for number, clip in enumerate(clips) if number not in missing]
    results: Iterator[Prediction | Failure] = iter(())
    if usable:
        _, predict_each = predictor(
            args, model, _modalities(usable, transcribe=args.transcribe is not None)
        )
        results = predict_listed(predict_each, usable, batch_size=args.batch_size)
    for number in range(len(clips)):
        if number in missing:
            yield missing[number]
            continue
        result = next(results)
        yield result.reason if isinstance(result, Failure) else result


def _modalities(clips: "Sequence[ListedClip]", *, transcribe: bool) -> list[Modality]:
    """List the modalities that clips may give to a model."""
    has_text = transcribe or any(clip.has_text for clip in clips)
    has_media = any(clip.clip is not None for clip in clips)
    return [m for m in Modality if (has_text if m is Modality.TEXT else has_media)]


def explain(parser: argparse.ArgumentParser) -> None:
    """Make `mien explain` of a parser."""
    parser.add_argument(
        "clip", nargs="+", help="a video or audio file; the run folder may come first"
    )
    add_model(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder for the attention maps")
    _add_text(parser)
    _add_length(parser)
    add_compute(parser)
    parser.set_defaults(handler=_explain)


def _explain(args: argparse.Namespace) -> None:
    model, clips = model_and_clips(args)
    if len(clips) != 1:
        args.parser.error(f"give one clip, not {len(clips)}")
    check_file(Path(clips[0]))

    from mien.report.explain import explain

    recognizer = load_recognizer(args, model, list(Modality), abstention=False)
    explanation = explain(
        recognizer, clips[0], args.out, text=args.text, transcript=args.transcript
    )
    for file in explanation.files:
        print(args.out / file)
    for note in explanation.notes:
        print(f"note: {note}")
