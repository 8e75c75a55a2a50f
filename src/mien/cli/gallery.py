"""The commands about who is in a clip: enrol, identify, verify, forget, gallery."""

import argparse
import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli.compute import add_compute
from mien.cli.console import add_output
from mien.errors import MienError
from mien.identity.pretrained import ENCODERS, open_encoder

if TYPE_CHECKING:
    from mien.gallery import Gallery
    from mien.identity.embedder import Encoder


EXPIRES = "last day on which the person may be identified, such as 2027-12-31 (UTC)"


def enrol(parser: ArgumentParser) -> None:
    """Make `mien enrol` of a parser."""
    _add_gallery(parser)
    parser.add_argument("person", help="name of the person")
    parser.add_argument("clip", nargs="+", type=Path, help="video or audio files of the person")
    _add_encoder(parser)
    parser.add_argument("--consent", required=True, help="what the person agreed to, and when")
    parser.add_argument("--expires", required=True, type=_day, help=EXPIRES)
    add_compute(parser, batch_size="with a run, segments")
    parser.set_defaults(handler=_enrol)


def _add_gallery(parser: ArgumentParser) -> None:
    parser.add_argument(
        "gallery", help="folder of the gallery, or a URL such as s3://bucket/gallery"
    )
    parser.add_argument(
        "--log", type=Path, help="folder of the audit log (default: that of the gallery)"
    )


def _add_encoder(parser: ArgumentParser, *, required: bool = True) -> None:
    which = parser.add_mutually_exclusive_group(required=required)
    which.add_argument("--run", type=Path, help="run folder of the model")
    _add_pretrained(which)


def _add_pretrained(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--encoder",
        choices=ENCODERS,
        help="use a pretrained encoder in place of a run: of the voice, the face, or both",
    )


def _encoder(args: Namespace) -> "Encoder":
    if args.encoder is not None:
        return open_encoder(args.encoder, args.device)
    from mien.identity.embedder import RunEncoder

    return RunEncoder(args.run, args.device, batch_size=args.batch_size)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day such as 2027-12-31") from None


def _open(args: Namespace) -> "Gallery":
    from mien.gallery import Gallery

    return Gallery(args.gallery, log=args.log)


def _enrol(args: Namespace) -> None:
    import numpy as np

    from mien.files import fingerprint

    gallery = _open(args)
    clips = [fingerprint(clip) for clip in args.clip]
    encoder = _encoder(args)
    gallery.enrol(
        args.person,
        np.stack([encoder.embed(clip, partial(_note, clip)) for clip in args.clip]),
        clips=clips,
        consent=args.consent,
        expires=args.expires,
        encoder=encoder.fingerprint,
    )
    print(f"{args.person}: {len(clips)} templates stored in {args.gallery} until {args.expires}")
    _warn(gallery, [args.person])


def _note(clip: Path, what: str) -> None:
    print(f"note: {clip}: {what}", file=sys.stderr)


def _warn(gallery: "Gallery", persons: Iterable[str]) -> None:
    notes = [note for person in persons for note in gallery.enrolment_warnings(person)]
    for note in dict.fromkeys(notes):
        print(f"note: {note}")


def _enroll(args: Namespace) -> None:
    from mien.gallery.clip_lists import read_enrolments

    gallery, encoder = _open(args), _encoder(args)
    newcomers = read_enrolments(
        args.list, encoder, _note, consent=args.consent, expires=args.expires
    )
    gallery.enrol_all(newcomers, encoder=encoder.fingerprint)
    persons = list(dict.fromkeys(one.person for one in newcomers))
    clips = sum(len(one.clips) for one in newcomers)
    print(f"{len(persons)} persons: {clips} templates stored in {args.gallery}")
    _warn(gallery, persons)


def identify(parser: ArgumentParser) -> None:
    """Make `mien identify` of a parser."""
    _add_gallery(parser)
    parser.add_argument("clip", nargs="+", type=Path, help="video or audio files")
    _add_encoder(parser)
    parser.add_argument(
        "--top",
        dest="top_k",
        type=int,
        default=10,
        help="nearest templates to consider (default: 10)",
    )
    parser.add_argument(
        "--json", help="write the results to this file as JSON; - for standard output"
    )
    add_compute(parser, batch_size="with a run, segments")
    parser.set_defaults(handler=_identify)


def _identify(args: Namespace) -> None:
    from mien.files import write_text

    gallery, encoder = _open(args), _encoder(args)
    results, failures = [], []
    for clip in args.clip:
        try:
            notes: list[str] = []
            embedding = encoder.embed(clip, notes.append)
        except MienError as error:
            failures.append(str(error))
            continue
        found = gallery.identify(embedding, encoder=encoder.fingerprint, top_k=args.top_k)
        found = found.model_copy(update={"notes": notes + found.notes})
        results.append({"clip": str(clip)} | found.model_dump(mode="json"))
        if args.json != "-":
            print(clip, found.table(), sep="\n")
    if args.json:
        content = json.dumps(results, indent=2)
        print(content) if args.json == "-" else write_text(Path(args.json), content)
    if failures:
        raise MienError("\nmien: ".join(failures))


def verify(parser: ArgumentParser) -> None:
    """Make `mien verify` of a parser."""
    parser.add_argument("run", nargs="?", type=Path, help="the run folder")
    parser.add_argument("clip", nargs=2, type=Path, help="two video or audio files to compare")
    parser.add_argument(
        "--threshold",
        type=_cosine,
        help="lowest cosine of the same person (default: that of the encoder, if it has one)",
    )
    _add_pretrained(parser)
    parser.add_argument(
        "--json", help="write the result to this file as JSON; - for standard output"
    )
    add_compute(parser, batch_size="with a run, segments")
    parser.set_defaults(handler=_verify)


def _verify(args: Namespace) -> None:
    from mien.files import write_text
    from mien.identity.comparison import compare

    if (args.run is None) == (args.encoder is None):
        args.parser.error("give a run folder and two clips, or two clips and --encoder")
    one, other = args.clip
    result = compare(_encoder(args), one, other, args.threshold)
    if args.json != "-":
        print(result.table())
    if args.json:
        content = json.dumps(result.model_dump(mode="json"), indent=2)
        print(content) if args.json == "-" else write_text(Path(args.json), content)


def forget(parser: ArgumentParser) -> None:
    """Make `mien forget` of a parser."""
    _add_gallery(parser)
    parser.add_argument("person", help="name of the enrolled person")
    parser.set_defaults(handler=_forget)


def _cosine(text: str) -> float:
    with suppress(ValueError):
        if -1 <= (value := float(text)) <= 1:
            return value
    raise argparse.ArgumentTypeError(f"{text} is no cosine: give a threshold from -1 to 1")


def _forget(args: Namespace) -> None:
    _open(args).forget(args.person)
    print(f"{args.person} is forgotten")


def gallery(parser: ArgumentParser) -> None:
    """Make `mien gallery` of a parser."""
    _add_gallery(parser)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(
        name: str,
        handler: Callable[[Namespace], None],
        about: str,
        aliases: Sequence[str] = (),
    ) -> ArgumentParser:
        added = actions.add_parser(name, help=about, description=about, aliases=aliases)
        add_output(added.add_argument_group("output"), again=True)
        added.set_defaults(handler=handler, parser=added)
        return added

    enrol = action("enroll", _enroll, "enrol the persons of a list", aliases=("enrol",))
    enrol.add_argument(
        "list",
        type=Path,
        help="CSV file with the columns clip and person; consent and expires unless given as flags",
    )
    _add_encoder(enrol)
    add_compute(enrol, batch_size="with a run, segments")
    enrol.add_argument("--consent", help="what all of them agreed to, and when")
    enrol.add_argument("--expires", type=_day, help=EXPIRES)
    action("list", _list, "list the enrolled persons, with consent and expiry")
    export = action("export", _export, "export what is stored of a person, or of all persons")
    export.add_argument("out", type=Path, help="the file, .json or .parquet")
    export.add_argument("--person", help="name of the enrolled person (default: all)")
    action("purge", _purge, "delete what has expired")
    _add_threshold(
        action("threshold", _threshold, "show, set or calibrate the threshold of unknown persons")
    )
    audit = action("audit", _audit, "show the audit log, and check that it is complete")
    audit.add_argument("--person", help="only entries about this person")


def _list(args: Namespace) -> None:
    for record in _open(args).list():
        expired = f", {record.expired} expired" if record.expired else ""
        print(f"{record.person}: {record.templates} templates until {record.expires}{expired}")
        for consent in record.consents:
            print(f"    {consent}")


def _export(args: Namespace) -> None:
    count = _open(args).export(args.out, args.person)
    print(f"{args.out}: {count} templates")


def _purge(args: Namespace) -> None:
    print(f"deleted what had expired of {_open(args).purge()} persons")


def _add_threshold(parser: ArgumentParser) -> None:
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--set", type=float, metavar="COSINE", help="set the threshold to this cosine")
    how.add_argument(
        "--fpir",
        type=float,
        help="calibrate it to this rate: the share of persons who are not enrolled and are named",
    )
    parser.add_argument(
        "--trials",
        type=Path,
        help="with --fpir: CSV file with the columns clip and person (empty for somebody who is not"
        " enrolled), of clips that are not enrolled (default: the enrolled clips)",
    )
    _add_encoder(parser, required=False)
    add_compute(parser, batch_size="with a run, segments")


def _threshold(args: Namespace) -> None:
    from mien.gallery.clip_lists import read_trials

    if args.trials and (args.fpir is None or not (args.run or args.encoder)):
        args.parser.error("--trials needs --fpir, and --run or --encoder")
    gallery = _open(args)
    if args.set is not None:
        gallery.set_threshold(args.set)
    elif args.fpir is not None:
        if args.trials is None:
            gallery.calibrate(fpir=args.fpir)
        else:
            encoder = _encoder(args)
            enrolled = {clip for record in gallery.list() for clip in record.clips}
            trials = read_trials(args.trials, encoder, enrolled, _note)
            gallery.calibrate(trials, fpir=args.fpir, encoder=encoder.fingerprint)
    print(gallery.calibration)


def _audit(args: Namespace) -> None:
    gallery = _open(args)
    for line in gallery.history(args.person):
        detail = ", ".join(f"{key} {value}" for key, value in line["detail"].items())
        what = f"{line['actor']} {line['act']} {(line['subject'] or '')[:8]} {detail}"
        print(f"{line['number']:>6} {line['time'][:19]} {what.rstrip()}")
    if problems := gallery.audit_problems():
        raise MienError(
            f"{gallery.audit.path}: not whole: {'; '.join(problems)}. Compare it with a copy"
        )
    print(f"whole; the last line's hash is {gallery.audit.head}")
