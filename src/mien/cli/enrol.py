"""The commands that enrol persons: one by their clips, or those of a list."""

import argparse
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli.compute import add_compute
from mien.cli.gallery_options import add_encoder, add_gallery, encoder_of, open_gallery
from mien.modality import Modality

if TYPE_CHECKING:
    from mien.gallery import Gallery
    from mien.gallery.enroller import Enroller
    from mien.gallery.types import Enrolment

MOST_COPIES = 100
"""Augmented copies of a clip, at most."""

EXPIRES = "last day on which the person may be identified, such as 2027-12-31 (UTC)"


def enrol(parser: ArgumentParser) -> None:
    """Make `mien enrol` of a parser."""
    add_gallery(parser)
    parser.add_argument("person", help="name of the person")
    parser.add_argument("clip", nargs="+", type=Path, help="video or audio files of the person")
    _add_enroller(parser)
    parser.add_argument("--consent", required=True, help="what the person agreed to, and when")
    parser.add_argument("--expires", required=True, type=_day, help=EXPIRES)
    add_compute(parser, batch_size="with a run, segments")
    parser.set_defaults(handler=_enrol)


def add_enroll(parser: ArgumentParser) -> None:
    """Add the arguments of `mien gallery GALLERY enroll`."""
    parser.add_argument(
        "list",
        type=Path,
        help="CSV file with the columns clip and person; consent and expires unless given as flags",
    )
    _add_enroller(parser)
    add_compute(parser, batch_size="with a run, segments")
    parser.add_argument("--consent", help="what all of them agreed to, and when")
    parser.add_argument("--expires", type=_day, help=EXPIRES)


def _add_enroller(parser: ArgumentParser) -> None:
    add_encoder(parser)
    parser.add_argument(
        "--references",
        metavar="RUN",
        help="store of the same clips what the model of this run needs to predict relative to them"
        " (mien predict)",
    )
    parser.add_argument(
        "--copies",
        type=_copies,
        default=0,
        metavar="N",
        help="enrol N copies of each clip with noise and reverberation, too (default: 0)",
    )


def _copies(text: str) -> int:
    if not text.isdecimal() or int(text) > MOST_COPIES:
        raise argparse.ArgumentTypeError(f"{text} copies: give a number from 0 to {MOST_COPIES}")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day such as 2027-12-31") from None


def _enroller(args: Namespace) -> "Enroller":
    from mien.gallery.enroller import Enroller

    references = None
    if args.references is not None:
        from mien.inference.recognizer import Recognizer
        from mien.inference.references import ReferenceEncoder

        media = [m for m in Modality if m is not Modality.TEXT]
        recognizer = Recognizer.from_pretrained(
            args.references, device=args.device, modalities=media
        )
        references = ReferenceEncoder(recognizer)
    return Enroller(encoder_of(args), args.copies, references)


def _enrol(args: Namespace) -> None:
    from mien.files import fingerprint
    from mien.gallery.enroller import enrolment

    gallery = open_gallery(args)
    contents = [fingerprint(clip) for clip in args.clip]
    enroller = _enroller(args)
    clips = [
        enroller.embed(clip, content, partial(note, clip))
        for clip, content in zip(args.clip, contents, strict=True)
    ]
    newcomer = enrolment(args.person, clips, consent=args.consent, expires=args.expires)
    what = _store(gallery, [newcomer], enroller)
    print(f"{args.person}: {what} stored in {args.gallery} until {args.expires}")
    _warn(gallery, [args.person])


def _store(gallery: "Gallery", newcomers: "Sequence[Enrolment]", enroller: "Enroller") -> str:
    """Store persons, and say what was stored."""
    encoder, references = enroller.encoder, enroller.references
    model = None if references is None else references.fingerprint
    gallery.enrol_all(newcomers, encoder=encoder.fingerprint, references=model)
    templates = sum(len(one.clips) for one in newcomers)
    what = counted(templates, templates // (1 + enroller.copies))
    return what if model is None else f"{what}, with references for the model {model[:16]},"


def counted(templates: int, clips: int) -> str:
    """Count templates, and the clips they come from if these are fewer."""
    return f"{templates} templates" + ("" if templates == clips else f" of {clips} clips")


def note(clip: Path, what: str) -> None:
    """Print a warning about a clip."""
    print(f"note: {clip}: {what}", file=sys.stderr)


def _warn(gallery: "Gallery", persons: Iterable[str]) -> None:
    notes = [note for person in persons for note in gallery.enrolment_warnings(person)]
    for note in dict.fromkeys(notes):
        print(f"note: {note}")


def enroll(args: Namespace) -> None:
    """Enrol the persons of a list."""
    from mien.gallery.clip_lists import read_enrolments

    gallery, enroller = open_gallery(args), _enroller(args)
    newcomers = read_enrolments(
        args.list, enroller, note, consent=args.consent, expires=args.expires
    )
    what = _store(gallery, newcomers, enroller)
    persons = list(dict.fromkeys(one.person for one in newcomers))
    print(f"{len(persons)} persons: {what} stored in {args.gallery}")
    _warn(gallery, persons)
