"""The commands about data: prepare, inspect, features."""

import argparse
import math
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.errors import MienError

if TYPE_CHECKING:
    from mien.utterance import Skipped, Utterance


def prepare(parser: argparse.ArgumentParser) -> None:
    """Make `mien prepare` of a parser."""
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
    _corpus_arguments(parser)
    parser.set_defaults(handler=_prepare)


def _corpus_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only some corpora take."""
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

    reading = _given(args, "emotions", "person_rule", "named_side")
    making = _given(args, "dialogues", "turns", "seed")
    _check(args, reading, making)
    if args.corpus == "synthetic":
        _generate(args, making)
    items, division = _divide(args, list(CORPORA[args.corpus].read(args.source, **reading)))
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


def _given(args: argparse.Namespace, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(args, name)) is not None}


def _check(args: argparse.Namespace, reading: dict[str, Any], making: dict[str, Any]) -> None:
    """Refuse flags that are not for the corpus, and numbers out of range."""
    for names, allowed in (
        (reading, ("iemocap", "processed", "synthetic")),
        (making, ("synthetic",)),
    ):
        if names and args.corpus not in allowed:
            flag = "--" + next(iter(names)).replace("_", "-")
            args.parser.error(f"{flag} is not for the corpus {args.corpus}")
    if args.workers < 1 or (args.limit is not None and args.limit < 1):
        args.parser.error("--workers and --limit are at least 1")
    if not 48 <= args.face_size <= 512:
        args.parser.error("--face-size is 48 to 512 pixels")
    if not 0 < args.frame_interval < math.inf or not 0 < args.max_seconds < math.inf:
        args.parser.error("--frame-interval and --max-seconds are finite and above 0")


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
    parser.set_defaults(handler=_inspect)


def _inspect(args: argparse.Namespace) -> None:
    from mien.report.dataset_summary import inspect

    print(inspect(args.data))


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
