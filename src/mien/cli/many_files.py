"""mien predict over many files: into a table, with several processes, and resumable."""

import logging
from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien import __version__
from mien.cli.compute import count
from mien.cli.predictor import open_predictor
from mien.errors import MienError
from mien.modality import Modality
from mien.progress import duration
from mien.runs.ready_made import READY_MADE, about

if TYPE_CHECKING:
    from mien.inference.batch_job import JobSummary
    from mien.inference.clip_list import ListedClip

logger = logging.getLogger(__name__)

OPENING = (
    *("device", "max_seconds", "answer_all", "transcribe", "language"),
    *("references", "gallery", "encoder", "run", "log"),
)
"""Arguments by which a worker loads the model."""

RECORDED = (
    *("device", "max_seconds", "answer_all", "batch_size"),
    *("embeddings", "transcribe", "language", "gallery", "encoder"),
)
"""Arguments that the predictions depend on."""


def add_many_files(parser: ArgumentParser) -> None:
    """Add --out, and what goes with it."""
    group = parser.add_argument_group("many files")
    group.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write a row for each clip to this .jsonl, .csv or .parquet, as soon as it is ready",
    )
    group.add_argument(
        "--workers",
        type=count,
        help="processes, each with the model in its memory and one thread, or as many as"
        " --threads says (default: one per core, 4 at most)",
    )
    group.add_argument(
        "--resume", action="store_true", help="go on with a file that was interrupted, if any"
    )
    group.add_argument(
        "--embeddings", action="store_true", help="keep the embedding of each clip in the file"
    )


def check_many_files(args: Namespace) -> None:
    """End a wrong command."""
    if args.out is None and (args.workers or args.resume or args.embeddings):
        args.parser.error("--workers, --resume and --embeddings need --out")
    if args.out is not None and args.json:
        args.parser.error("--json is for a few clips without --out: name --out answers.jsonl")


def predict_many(
    args: Namespace, model: str, clips: "Sequence[ListedClip]", used: Collection[Modality]
) -> None:
    """Predict for clips into a file, and print a summary."""
    from mien.inference.batch_job import predict_to_file

    given = Namespace(**{name: getattr(args, name) for name in (*OPENING, "batch_size")})
    try:
        summary = predict_to_file(
            clips,
            args.out,
            partial(open_predictor, given, model, list(used)),
            settings=_settings(args, model),
            workers=args.workers,
            threads=args.threads or 1,
            batch_size=args.batch_size,
            resume=args.resume,
            embedding=args.embeddings,
        )
    except KeyboardInterrupt as error:
        raise MienError(
            "interrupted; what is done is kept: the same command with --resume goes on"
        ) from error
    print(_told(args.out, summary))
    if model in READY_MADE:
        print("\n".join(["", *about(model)]))
    if summary.failed:
        raise MienError(
            f"{summary.failed:,} of {summary.clips:,} clips could not be predicted: the column"
            f" error of {args.out} says why"
        )


def _settings(args: Namespace, model: str) -> dict[str, Any]:
    """Give what the predictions depend on, by the names of arguments."""
    from mien.inference.answer_file import file_states

    references = [str(clip) for clip in args.references or ()]
    return {
        "model": model,
        **{name: getattr(args, name) for name in RECORDED},
        "run": None if args.run is None else str(args.run),
        "threads": args.threads or 1,
        "references": list(zip(references, file_states(references), strict=True)),
        "mien": __version__,
    }


def _told(out: Path, summary: "JobSummary") -> str:
    """Say what was done, and how fast."""
    failed = f", {summary.failed:,} of them failed" if summary.failed else ""
    lines = [f"{out}: {summary.clips:,} clips{failed}"]
    before = summary.clips - summary.predicted
    if not summary.predicted:
        return f"{lines[0]}; complete already, nothing was left to do"
    if before:
        lines.append(f"  {before:,} of them were done before")
    rate = summary.predicted / summary.seconds
    times = summary.media_seconds / summary.seconds
    lines.append(
        f"  {duration(summary.media_seconds)} of recordings in {duration(summary.seconds)}, after"
        f" {duration(summary.loading)} of loading: {rate:.1f} clips a second, {times:.0f} times"
        " real time"
    )
    return "\n".join(lines)
