"""The command mien timeline: who says what in a recording, when, in which tone, with which face."""

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli.compute import add_compute
from mien.cli.gallery_options import encoder_of, open_gallery
from mien.cli.model_choice import add_model, model_and_clips
from mien.cli.speakers import add_gallery_encoder, check_gallery
from mien.cli.transcribe import add_transcribe, check_transcribe, transcriber_of
from mien.errors import MienError
from mien.files import check_file
from mien.modality import Modality
from mien.runs.ready_made import READY_MADE, about

if TYPE_CHECKING:
    from collections.abc import Callable

    from mien.diarization.result import DiarizationEngine
    from mien.gallery.speaker_names import SpeakerNames
    from mien.inference.analysis.options import AnalysisOptions

FORMATS = ("json", "csv", "parquet", "srt", "vtt", "eaf", "textgrid", "rttm", "html", "png", "svg")
"""The formats of `mien.report.timeline.formats`, which is slow to import."""


def timeline(parser: argparse.ArgumentParser) -> None:
    """Make `mien timeline` of a parser."""
    parser.add_argument(
        "clip",
        nargs="+",
        metavar="RECORDING",
        help="a video or audio file of minutes or hours; a run folder may come first",
    )
    add_model(parser)
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for the results"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with what an interrupted command left in DIR"
    )
    parser.add_argument(
        "--answer-all",
        action="store_true",
        help="answer even where the model would say that it can't tell",
    )
    _add_words(parser)
    _add_turns(parser)
    _add_names(parser)
    _add_choice(parser)
    _add_results(parser)
    add_compute(parser, batch_size="segments")
    parser.set_defaults(handler=_timeline)


def _add_words(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("words")
    words = group.add_mutually_exclusive_group()
    words.add_argument(
        "--transcript",
        type=Path,
        help="what is said, with times and perhaps names: .srt, .vtt, .ass, .ttml, or Whisper's"
        " .json or .tsv",
    )
    add_transcribe(words, group)


def _add_turns(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("turns and speakers")
    group.add_argument(
        "--segments",
        choices=("voice", "cues", "windows"),
        help="what divides the recording: voice activity, the cues of the transcript, or fixed"
        " windows (default: the cues if there is a transcript, else voice)",
    )
    group.add_argument(
        "--window", type=float, default=5.0, help="seconds of a fixed window (default: 5)"
    )
    group.add_argument(
        "--hop",
        type=float,
        help="seconds from one fixed window to the next (default: the length of a window)",
    )
    group.add_argument(
        "--speakers", type=int, metavar="N", help="how many persons speak (default: estimated)"
    )
    group.add_argument(
        "--max-speakers", type=int, default=10, metavar="N", help="at most so many (default: 10)"
    )
    group.add_argument(
        "--diarizer",
        default="mien",
        metavar="NAME",
        help="what tells the speakers apart: mien, or pyannote with its weights, as"
        " pyannote:FOLDER or pyannote:REPOSITORY (default: mien)",
    )


def _add_names(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("names")
    group.add_argument(
        "--gallery", help="name the speakers who are enrolled in this gallery; others get numbers"
    )
    add_gallery_encoder(group)


def _add_choice(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("part of the recording")
    group.add_argument("--start", type=float, metavar="S", help="begin at this second")
    group.add_argument("--end", type=float, metavar="S", help="end at this second")
    group.add_argument(
        "--side", choices=("left", "right"), help="look at this half of the picture alone"
    )
    group.add_argument("--channel", type=int, help="hear this audio channel alone, from 0")
    group.add_argument("--no-faces", action="store_true", help="leave the picture out")
    group.add_argument(
        "--max-seconds",
        type=float,
        default=14_400.0,
        help="cut a longer recording to this length (default: 14400, four hours)",
    )


def _add_results(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("results")
    group.add_argument(
        "--formats",
        nargs="+",
        choices=FORMATS,
        default=FORMATS,
        metavar="FORMAT",
        help=f"what to write: {', '.join(FORMATS)} (default: all)",
    )
    group.add_argument(
        "--frames",
        action="store_true",
        help="write tables of the faces in each frame and of the audio every 100 ms, too",
    )
    group.add_argument("--embeddings", action="store_true", help="keep the embedding of a segment")
    group.add_argument(
        "--copy-media", action="store_true", help="copy the recording beside the page that plays it"
    )


def _timeline(args: argparse.Namespace) -> None:
    model, clips = model_and_clips(args)
    if len(clips) != 1:
        args.parser.error(f"give one recording, not {len(clips)}")
    check_transcribe(args)
    check_gallery(args)
    recording = Path(clips[0])
    check_file(recording)
    options = _options(args)

    from mien.inference.recognizer import Recognizer
    from mien.report.timeline.formats import write_timeline

    recognizer = Recognizer.from_pretrained(
        model, device=args.device, modalities=list(Modality), abstention=not args.answer_all
    )
    found = recognizer.timeline(
        recording,
        transcript=args.transcript,
        transcriber=transcriber_of(args),
        names=_names(args),
        engine=_engine(args.diarizer, options),
        options=options,
        batch_size=args.batch_size,
        frames=args.out if args.frames else None,
        folder=args.out,
        resume=args.resume,
        progress=True,
    )
    write_timeline(
        found, args.out, formats=args.formats, media=recording, copy_media=args.copy_media
    )
    print(found.table())
    print(f"\nresults: {args.out}")
    if model in READY_MADE:
        print("\n".join(["", *about(model)]))


def _options(args: argparse.Namespace) -> "AnalysisOptions":
    from mien.inference.analysis.options import AnalysisOptions

    return AnalysisOptions(
        segments=args.segments,
        window=args.window,
        hop=args.window if args.hop is None else args.hop,
        speakers=args.speakers,
        max_speakers=args.max_speakers,
        faces=not args.no_faces,
        side=args.side,
        channel=args.channel,
        start=args.start,
        end=args.end,
        max_seconds=args.max_seconds,
        embeddings=args.embeddings,
    )


def _names(args: argparse.Namespace) -> "SpeakerNames | None":
    if args.gallery is None:
        return None
    from mien.gallery.speaker_names import SpeakerNames

    return SpeakerNames(open_gallery(args), encoder_of(args))


def _engine(name: str, options: "AnalysisOptions") -> "Callable[[], DiarizationEngine] | None":
    """Return what makes the engine; None: mien's own."""
    if name == "mien":
        return None
    kind, _, weights = name.partition(":")
    if kind != "pyannote" or not weights:
        raise MienError(
            f"no diarizer {name[:60]!r}: choose mien, or pyannote with its weights, such as"
            " pyannote:pyannote/speaker-diarization-community-1",
            parameter="diarizer",
        )
    from mien.diarization.pyannote_engine import PyannoteDiarizer

    return partial(
        PyannoteDiarizer,
        weights,
        speakers=options.speakers,
        max_speakers=options.max_speakers,
    )
