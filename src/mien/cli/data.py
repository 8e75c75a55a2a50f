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
        "source", type=Path, help="its folder or file; for a generated one a new folder"
    )
    parser.add_argument("out", type=Path, help="folder for the prepared data")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)"
    )
    parser.add_argument("--frame-interval", type=float, default=0.5, help="seconds between frames")
    parser.add_argument(
        "--no-face",
        choices=("leave-out", "centre"),
        default="leave-out",
        help="what stands for a frame in which no face is found: nothing, so that a video without"
        " faces is missing, or the centre of the frame (published)",
    )
    parser.add_argument(
        "--max-seconds", type=float, default=600.0, help="longer utterances are cut to this"
    )
    parser.add_argument(
        "--face-size",
        type=int,
        default=112,
        metavar="N",
        help="edge of the face crops in pixels, 48 to 512; 48: as published",
    )
    parser.add_argument("--limit", type=int, help="take so many utterances, spread over the corpus")
    parser.add_argument(
        "--splits",
        type=Path,
        help="folder with train_split.txt, valid_split.txt and test_split.txt: ids, one a line, for"
        " the protocol given",
    )
    parser.add_argument(
        "--partial", action="store_true", help="only some of what the splits list is there"
    )
    add_corpus_options(parser)
    parser.set_defaults(handler=_prepare)


def _prepare(args: argparse.Namespace) -> None:
    from mien.corpora import CORPORA
    from mien.dataset.prepare import prepare

    _check(args)
    corpus = CORPORA[args.corpus]
    reading, making = read_corpus_options(args)
    if corpus.make is not None:
        corpus.make(args.source, **making)
    items, division = _divide(args, list(corpus.read(args.source, **reading)))
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
        options=reading | division | _identity(args.source),
    )
    print(summary)


def _check(args: argparse.Namespace) -> None:
    """Refuse numbers out of range."""
    if args.workers < 1 or (args.limit is not None and args.limit < 1):
        args.parser.error("--workers and --limit are at least 1")
    if not 48 <= args.face_size <= 512:
        args.parser.error("--face-size is 48 to 512 pixels")
    if not 0 < args.frame_interval < math.inf or not 0 < args.max_seconds < math.inf:
        args.parser.error("--frame-interval and --max-seconds are finite and above 0")


def _divide(
    args: argparse.Namespace, items: list["Utterance | Skipped"]
) -> tuple[list["Utterance | Skipped"], dict[str, Any]]:
    """Give the utterances the parts of a published split, where there is one, and what tells it."""
    from mien.corpora import CORPORA
    from mien.corpora.published_split import assign, read_split

    folder = args.splits or CORPORA[args.corpus].splits(args.source)
    if folder is None:
        if args.partial:
            args.parser.error("--partial goes with --splits")
        return items, {}
    parts = read_split(folder)
    assigned = assign(items, parts, name=str(folder), partial=args.partial)
    print(assigned)
    return assigned.items, {"splits": zlib.crc32(repr(sorted(parts.items())).encode())}


def _identity(source: Path) -> dict[str, Any]:
    """Tell one source from another, so that a folder is not taken for the wrong one."""
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
        help="list so many persons, those with most utterances (default: 10), or all of them",
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
    parser.add_argument("data", type=Path, help="prepared data; the features are put beside them")
    parser.add_argument(
        "--modalities", help="letters out of t, a, v (default: those that the data have)"
    )
    parser.add_argument(
        "--glove", type=Path, metavar="FILE", help="word vectors to take instead of the packaged"
    )
    parser.add_argument(
        "--read",
        type=Path,
        metavar="PATH",
        help="features computed before: the published ones, OpenFace's, or your own",
    )
    parser.add_argument(
        "--max-seconds", type=float, default=60.0, help="longer utterances are cut to this"
    )
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)"
    )
    parser.set_defaults(handler=_features)


def _features(args: argparse.Namespace) -> None:
    from mien.features.extract import extract

    if args.workers < 1 or args.max_seconds < 0.1:
        args.parser.error("--workers is at least 1, --max-seconds at least 0.1")
    if args.modalities is not None and not set(args.modalities) <= set("tav"):
        args.parser.error(f"--modalities {args.modalities} is not made of the letters t, a, v")
    summary = extract(
        args.data,
        modalities=args.modalities,
        glove=args.glove,
        read=args.read,
        max_seconds=args.max_seconds,
        workers=args.workers,
    )
    print(summary)
