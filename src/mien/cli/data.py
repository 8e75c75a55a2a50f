"""The commands about data: prepare, inspect, features."""

import argparse
import math
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.cli.corpus_options import add_corpus, add_corpus_options, read_corpus_options

if TYPE_CHECKING:
    from mien.utterance import Skipped, Utterance


def prepare(parser: argparse.ArgumentParser) -> None:
    """Make `mien prepare` of a parser."""
    add_corpus(parser)
    parser.add_argument(
        "source",
        type=Path,
        help="folder or file of the corpus; for a generated corpus a new folder",
    )
    parser.add_argument("out", type=Path, help="folder for the prepared data")
    _add_workers(parser)
    parser.add_argument(
        "--frame-interval", type=float, default=0.5, help="seconds between frames (default: 0.5)"
    )
    parser.add_argument(
        "--no-face",
        choices=("leave-out", "centre"),
        default="leave-out",
        help="what to do with a frame without a face: leave it out, so that a video without faces"
        " counts as missing (default), or use the centre of the frame (published)",
    )
    parser.add_argument(
        "--max-seconds",
        type=float,
        default=600.0,
        help="cut longer utterances to this length (default: 600)",
    )
    parser.add_argument(
        "--face-size",
        type=int,
        default=112,
        metavar="N",
        help="edge of the face crops in pixels, 48 (published) to 512 (default: 112)",
    )
    parser.add_argument(
        "--limit", type=int, help="prepare only this many utterances, spread over the corpus"
    )
    parser.add_argument(
        "--splits",
        type=Path,
        help="folder with train_split.txt, valid_split.txt and test_split.txt, which list ids, one"
        " per line, for the protocol given",
    )
    parser.add_argument(
        "--partial", action="store_true", help="accept that listed utterances are missing"
    )
    add_corpus_options(parser)
    parser.set_defaults(handler=_prepare)


def _add_workers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers",
        type=int,
        default=os.cpu_count() or 1,
        help="worker processes (default: one per core)",
    )


def _prepare(args: argparse.Namespace) -> None:
    from mien.corpora import CORPORA
    from mien.dataset.prepare import prepare

    _check(args)
    corpus = CORPORA[args.corpus]
    reading, making = read_corpus_options(args)
    if corpus.make is not None:
        corpus.make(args.source, **making)
    items, splits = _assign_splits(args, list(corpus.read(args.source, **reading)))
    summary = prepare(
        items,
        args.out,
        corpus=args.corpus,
        workers=args.workers,
        frame_interval=args.frame_interval,
        no_face=args.no_face,
        max_seconds=args.max_seconds,
        face_size=args.face_size,
        limit=args.limit,
        options=reading | splits | _identity(args.source),
    )
    print(summary)


def _check(args: argparse.Namespace) -> None:
    """Refuse numbers that are out of range."""
    if args.workers < 1 or (args.limit is not None and args.limit < 1):
        args.parser.error("--workers and --limit must be at least 1")
    if not 48 <= args.face_size <= 512:
        args.parser.error("--face-size must be from 48 to 512 pixels")
    if not 0 < args.frame_interval < math.inf or not 0 < args.max_seconds < math.inf:
        args.parser.error("--frame-interval and --max-seconds must be finite numbers above 0")


def _assign_splits(
    args: argparse.Namespace, items: list["Utterance | Skipped"]
) -> tuple[list["Utterance | Skipped"], dict[str, Any]]:
    """Assign utterances to the splits of --splits or of the release; return the lists' checksum."""
    from mien.corpora import CORPORA
    from mien.corpora.published_split import assign, read_split

    folder = args.splits or CORPORA[args.corpus].splits(args.source)
    if folder is None:
        if args.partial:
            args.parser.error("--partial is only for --splits")
        return items, {}
    listed = read_split(folder)
    assigned = assign(items, listed, name=str(folder), partial=args.partial)
    print(assigned)
    return assigned.items, {"splits": zlib.crc32(repr(sorted(listed.items())).encode())}


def _identity(source: Path) -> dict[str, Any]:
    """Identify the source, so that a folder prepared from another one is not continued."""
    content = {"checksum": zlib.crc32(source.read_bytes())} if source.is_file() else {}
    return {"source": str(source.resolve())} | content


def inspect(parser: argparse.ArgumentParser) -> None:
    """Make `mien inspect` of a parser."""
    parser.add_argument("data", type=Path, help="prepared data")
    parser.add_argument(
        "--persons",
        type=_number_or_all,
        default=10,
        metavar="N|all",
        help="how many persons to list, those with the most utterances (default: 10), or all",
    )
    parser.set_defaults(handler=_inspect)


def _number_or_all(text: str) -> int | None:
    """Read a number above 0; None for "all"."""
    if text == "all":
        return None
    if text.isascii() and text.isdigit() and len(text) < 10 and int(text):
        return int(text)
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is neither a number above 0 nor all")


def _inspect(args: argparse.Namespace) -> None:
    from mien.report.dataset_summary import inspect

    print(inspect(args.data, persons=args.persons))


def features(parser: argparse.ArgumentParser) -> None:
    """Make `mien features` of a parser."""
    parser.add_argument(
        "data", type=Path, help="prepared data; the features are stored beside them"
    )
    parser.add_argument("--modalities", help="letters out of t, a, v (default: those of the data)")
    parser.add_argument(
        "--glove",
        type=Path,
        metavar="FILE",
        help="word vectors to use in place of the packaged ones",
    )
    parser.add_argument(
        "--read",
        type=Path,
        metavar="PATH",
        help="read features that were computed before: the published ones, OpenFace's, or your own",
    )
    parser.add_argument(
        "--max-seconds",
        type=float,
        default=60.0,
        help="cut longer utterances to this length (default: 60)",
    )
    _add_workers(parser)
    parser.set_defaults(handler=_features)


def _features(args: argparse.Namespace) -> None:
    from mien.features.extract import extract

    if args.workers < 1 or args.max_seconds < 0.1:
        args.parser.error("--workers must be at least 1, --max-seconds at least 0.1")
    if args.modalities is not None and not set(args.modalities) <= set("tav"):
        args.parser.error(f"--modalities takes letters out of t, a, v, not {args.modalities}")
    summary = extract(
        args.data,
        modalities=args.modalities,
        glove=args.glove,
        read=args.read,
        max_seconds=args.max_seconds,
        workers=args.workers,
    )
    print(summary)
