"""The commands about pretrained weights and about handing runs on: models, publish."""

import argparse
import json
import shutil
import textwrap
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.cli.console import add_output

if TYPE_CHECKING:
    from mien.models.pretrained.weights import Weights

LEAST_WIDTH = 80
"""Columns of a line at least, whatever the terminal."""

LEGEND = """\
commercial: yes, the licence allows commercial use; ask, it does, but there is a
restriction, or training data are published for research: ask the authors; no,
the licence excludes it. Of other models on the hub see their own model cards."""


def models(parser: argparse.ArgumentParser) -> None:
    """Make `mien models` of a parser."""
    parser.add_argument(
        "--json",
        nargs="?",
        const="-",
        metavar="FILE",
        help="write the list to this file as JSON (default: to standard output)",
    )
    parser.set_defaults(handler=_list)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    for name, handler, about in (
        ("fetch", _fetch, "fetch weights from the hub, or check those of a package"),
        ("path", _path, "print the folder of weights that are on this machine"),
    ):
        action = actions.add_parser(name, help=about, description=about)
        action.add_argument(
            "name",
            help="a name of the list, or that of a model or run on the hub, also with @REVISION",
        )
        add_output(action.add_argument_group("output"), again=True)
        action.set_defaults(handler=handler, parser=action)


def _list(args: argparse.Namespace) -> None:
    from mien.files import write_text
    from mien.models.pretrained.catalogue import WEIGHTS
    from mien.models.pretrained.download import is_here

    if args.json is None:
        print(table({weights: is_here(weights) for weights in WEIGHTS}, _width()))
        return
    content = json.dumps([document(w, installed=is_here(w)) for w in WEIGHTS], indent=2)
    print(content) if args.json == "-" else write_text(Path(args.json), content)


def _width() -> int:
    return max(LEAST_WIDTH, min(120, shutil.get_terminal_size((LEAST_WIDTH, 24)).columns))


def table(entries: "dict[Weights, bool]", width: int = LEAST_WIDTH) -> str:
    """Write weights as a table for people.

    Parameters
    ----------
    entries : mapping of Weights to bool
        The weights, and whether they are on this machine.
    width : int
        Columns of a line.
    """
    wide = max(len(weights.name) for weights in entries)
    lines: list[str] = []
    for purpose, group in groupby(entries, lambda weights: weights.purpose):
        lines.append(f"{purpose.upper():{wide}}  {'licence':15}  commercial  here")
        for weights in group:
            here = "yes" if entries[weights] else "no"
            row = f"{weights.name:{wide}}  {weights.licence:15}  {weights.commercial:10}  {here}"
            lines += [row, *_details(weights, width)]
        lines.append("")
    return "\n".join([*lines, LEGEND])


def _details(weights: "Weights", width: int) -> Iterator[str]:
    """Yield what does not fit into a row, in lines of their own."""
    package = weights.package
    where = "from the hub" if package is None else f"in the package {package.requirement}"
    size = f"{weights.parameters} million parameters"
    if weights.size:
        size = f"{weights.size / 1e6:.1f} MB, SHA-256 {weights.sha256[:12]}"
    details = [f"{size}, {where}", f"trained on {weights.training_data}"]
    details += [f"commercial use: {weights.restriction}"] if weights.restriction else []
    for detail in details:
        yield from textwrap.wrap(
            detail, width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
        )


def document(weights: "Weights", *, installed: bool) -> dict[str, Any]:
    """Return all that is known of weights, for JSON."""
    package = weights.package
    return {
        "name": weights.name,
        "purpose": weights.purpose,
        "modality": weights.modality,
        "licence": weights.licence,
        "commercial": weights.commercial,
        "restriction": weights.restriction or None,
        "training_data": weights.training_data,
        "parameters_million": weights.parameters,
        "size": weights.size or None,
        "sha256": weights.sha256 or None,
        "files": [vars(file) for file in weights.files],
        "source": "hub" if package is None else "package",
        "package": package.requirement if package else None,
        "install": package.install if package else f"mien models fetch {weights.name}",
        "installed": installed,
    }


def _fetch(args: argparse.Namespace) -> None:
    from mien.runs.local import fetch

    print(fetch(args.name))


def _path(args: argparse.Namespace) -> None:
    from mien.runs.local import find

    print(find(args.name))


def publish(parser: argparse.ArgumentParser) -> None:
    """Make `mien publish` of a parser."""
    parser.add_argument("run", type=Path, help="the run folder")
    parser.add_argument(
        "name", nargs="?", help="name of the repository on the hub, such as organisation/model"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        help="write what would be uploaded to this new folder, and upload nothing",
    )
    parser.add_argument(
        "--public",
        action="store_true",
        help="make a new repository public (default: private)",
    )
    parser.add_argument("--revision", help="branch to commit to (default: the main branch)")
    parser.set_defaults(handler=_publish)


def _publish(args: argparse.Namespace) -> None:
    from mien.runs.hub import open_run, push, save

    if (args.name is None) == (args.folder is None):
        args.parser.error("give either NAME or --folder")
    run = open_run(str(args.run))
    if args.folder is not None:
        print(save(run, args.folder))
        return
    print(push(run, args.name, private=not args.public, revision=args.revision))
