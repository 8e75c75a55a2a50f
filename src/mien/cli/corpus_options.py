"""The corpora as arguments of `mien prepare`: their names, and the options that each declares."""

import argparse
import shutil
import textwrap
from collections.abc import Iterable
from typing import Any

from pydantic.fields import FieldInfo

from mien.cli.settings import add_field, explain, flag_of, flags_of, validated
from mien.corpora import CORPORA, Corpus
from mien.errors import MienError


def add_corpus(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names the corpus."""
    parser.add_argument(
        "corpus", type=_corpus_name, metavar="CORPUS", help="one of the corpora listed below"
    )


def _corpus_name(name: str) -> str:
    try:
        CORPORA[name]
    except MienError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return name


def add_corpus_options(parser: argparse.ArgumentParser) -> None:
    """Add a flag for each option of each corpus, and a list of the corpora to the help.

    Raises
    ------
    MienError
        An option of a corpus has the name of one of `mien prepare` itself.
    """
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument_group("corpora", "\n".join(map(_listed, CORPORA)))
    group = parser.add_argument_group("options of individual corpora")
    taken = {action.dest for action in parser._actions} | {
        *("command", "handler", "parser", "verbose", "quiet", "debug")
    }
    for option, fields in _declared().items():
        if option in taken:
            raise MienError(
                f"the corpus {next(iter(fields))} has an option {option!r}, a name that `mien"
                " prepare` itself uses: rename it"
            )
        add_field(group, option, _common(fields.values()), _explained(fields))


def _listed(name: str) -> str:
    """Return the lines about a corpus in the help."""
    about = CORPORA[name].about
    if options := _options(CORPORA[name]):
        about += f" ({', '.join(map(flag_of, options))})"
    width = max(40, shutil.get_terminal_size().columns - 4)
    indent = max(map(len, CORPORA)) + 2
    return textwrap.fill(
        about,
        width,
        initial_indent=name.ljust(indent),
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
    )


def _options(corpus: Corpus) -> dict[str, FieldInfo]:
    return corpus.options.model_fields | corpus.make_options.model_fields


def _declared() -> dict[str, dict[str, FieldInfo]]:
    """Return for each option the corpora that have it, with the field of each."""
    found: dict[str, dict[str, FieldInfo]] = {}
    for name, corpus in CORPORA.items():
        for option, field in _options(corpus).items():
            found.setdefault(option, {})[name] = field
    return found


def _common(fields: Iterable[FieldInfo]) -> FieldInfo:
    """Return a field that stands for all; if they differ any text, which each corpus validates."""
    first, *rest = fields
    same = all(field.annotation == first.annotation for field in rest)
    return first if same else FieldInfo(annotation=str)


def _explained(fields: dict[str, FieldInfo]) -> str:
    """Say what an option means, and for which corpora."""
    meanings: dict[str, list[str]] = {}
    for name, field in fields.items():
        meanings.setdefault(explain(field), []).append(name)
    return "; ".join(f"{', '.join(names)}: {meaning}" for meaning, names in meanings.items())


def read_corpus_options(args: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options that were given, for reading the corpus and for making it.

    Raises
    ------
    SystemExit
        One is not for this corpus, or has an invalid value.
    """
    corpus, declared = CORPORA[args.corpus], _declared()
    given = {option: getattr(args, option) for option in declared if hasattr(args, option)}
    for option in given:
        if args.corpus not in (takers := declared[option]):
            args.parser.error(
                f"{flag_of(option)} is not for the corpus {args.corpus}, but for"
                f" {', '.join(takers)}"
            )
    reading, making = (
        validated(
            args.parser,
            args.corpus,
            kind,
            {option: value for option, value in given.items() if option in kind.model_fields},
            flags_of(given),
        ).model_dump(exclude_unset=True)
        for kind in (corpus.options, corpus.make_options)
    )
    return reading, making
