"""The commands about who is in a clip: identify, verify, forget, gallery."""

import argparse
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from mien.cli.compute import add_compute
from mien.cli.console import add_output
from mien.cli.enrol import add_enroll, counted, enroll, note
from mien.cli.gallery_options import (
    add_encoder,
    add_gallery,
    add_pretrained,
    encoder_of,
    open_gallery,
)
from mien.errors import MienError


def identify(parser: ArgumentParser) -> None:
    """Make `mien identify` of a parser."""
    add_gallery(parser)
    parser.add_argument("clip", nargs="+", type=Path, help="video or audio files")
    add_encoder(parser)
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

    gallery, encoder = open_gallery(args), encoder_of(args)
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
    add_pretrained(parser)
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
    result = compare(encoder_of(args), one, other, args.threshold)
    if args.json != "-":
        print(result.table())
    if args.json:
        content = json.dumps(result.model_dump(mode="json"), indent=2)
        print(content) if args.json == "-" else write_text(Path(args.json), content)


def forget(parser: ArgumentParser) -> None:
    """Make `mien forget` of a parser."""
    add_gallery(parser)
    parser.add_argument("person", help="name of the enrolled person")
    parser.set_defaults(handler=_forget)


def _cosine(text: str) -> float:
    with suppress(ValueError):
        if -1 <= (value := float(text)) <= 1:
            return value
    raise argparse.ArgumentTypeError(f"{text} is no cosine: give a threshold from -1 to 1")


def _forget(args: Namespace) -> None:
    open_gallery(args).forget(args.person)
    print(f"{args.person} is forgotten")


def gallery(parser: ArgumentParser) -> None:
    """Make `mien gallery` of a parser."""
    add_gallery(parser)
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

    add_enroll(action("enroll", enroll, "enrol the persons of a list", aliases=("enrol",)))
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
    for record in open_gallery(args).list():
        expired = f", {record.expired} expired" if record.expired else ""
        what = counted(record.templates, len(record.clips))
        print(f"{record.person}: {what} until {record.expires}{expired}")
        for consent in record.consents:
            print(f"    {consent}")
        for model, clips in record.references.items():
            print(f"    references for the model {model[:16]}: {clips} clips")


def _export(args: Namespace) -> None:
    counts = open_gallery(args).export(args.out, args.person)
    for path, rows in counts.items():
        print(f"{path}: {rows} {'templates' if path == args.out else 'references'}")


def _purge(args: Namespace) -> None:
    print(f"deleted what had expired of {open_gallery(args).purge()} persons")


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
    add_encoder(parser, required=False)
    add_compute(parser, batch_size="with a run, segments")


def _threshold(args: Namespace) -> None:
    from mien.gallery.clip_lists import read_trials

    if args.trials and (args.fpir is None or not (args.run or args.encoder)):
        args.parser.error("--trials needs --fpir, and --run or --encoder")
    gallery = open_gallery(args)
    if args.set is not None:
        gallery.set_threshold(args.set)
    elif args.fpir is not None:
        if args.trials is None:
            gallery.calibrate(fpir=args.fpir)
        else:
            encoder = encoder_of(args)
            enrolled = {clip for record in gallery.list() for clip in record.clips}
            trials = read_trials(args.trials, encoder, enrolled, note)
            gallery.calibrate(trials, fpir=args.fpir, encoder=encoder.fingerprint)
    print(gallery.calibration)


def _audit(args: Namespace) -> None:
    gallery = open_gallery(args)
    for line in gallery.history(args.person):
        detail = ", ".join(f"{key} {value}" for key, value in line["detail"].items())
        what = f"{line['actor']} {line['act']} {(line['subject'] or '')[:8]} {detail}"
        print(f"{line['number']:>6} {line['time'][:19]} {what.rstrip()}")
    if problems := gallery.audit_problems():
        raise MienError(
            f"{gallery.audit.path}: not whole: {'; '.join(problems)}. Compare it with a copy"
        )
    print(f"whole; the last line's hash is {gallery.audit.head}")
