"""`main.py`: run a command of the published system as its authors typed it."""

import argparse
import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mien.cli import attempt, begin
from mien.cli.console import add_output
from mien.cli.parser import Parser
from mien.cli.recipe import read_recipe
from mien.cli.runs import show
from mien.cli.settings import validated
from mien.published.model import model_content, overridden
from mien.published.option import Option
from mien.published.options import OPTIONS, REPRODUCED

RECIPE = "MIEN_RECIPE"
"""Environment variable with the path of a recipe, whose settings override the command's."""

MISSPELT = {"--audio-feautre-type": "--audio-feature-type"}
"""Misspelt options in published commands, and the options that are meant."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 done, 1 the work failed, 2 the command was wrong."""
    begin()
    parser = build_parser()
    args = parser.parse_args(repair_arguments(sys.argv[1:] if arguments is None else arguments))
    return attempt(partial(_reproduce, parser, args), parser.prog, args, _flag_of)


def _flag_of(parameter: str) -> str:
    """Return the published option that sets a parameter; without one, the parameter's name."""
    for option in OPTIONS:
        if parameter in (option.name, option.setting.partition(".")[2]):
            return option.flags[-1]
    return parameter


def build_parser() -> argparse.ArgumentParser:
    """Make the parser; options that are not given are missing from its result."""
    parser = Parser(
        allow_abbrev=True,
        prog="main.py",
        description="Run a command of the published system (Dai et al. 2021) with mien.",
        epilog=f"{RECIPE}=FILE in the environment: the settings of that recipe override those of"
        " the command.",
        argument_default=argparse.SUPPRESS,
    )
    for option in OPTIONS:
        plain = option.default in (..., None, "") or option.default is False
        default = "" if plain else f" (default: {option.default})"
        more: dict[str, Any] = {"action": "store_true"}
        if option.kind is not bool:
            metavar = "|".join(option.choices) or "VALUE"
            more = {"type": option.kind, "metavar": metavar, "required": option.default is ...}
            more |= {"choices": option.choices or None}
        if option.kind is list:
            more |= {"type": str, "nargs": "+"}
        parser.add_argument(*option.flags, dest=option.name, help=option.means + default, **more)
    own = parser.add_argument_group("not published")
    own.add_argument(
        "--savings",
        type=Path,
        default=Path("savings"),
        metavar="FOLDER",
        help="where prepared data and runs go (default: savings)",
    )
    add_output(own)
    return parser


def repair_arguments(typed: Sequence[str]) -> list[str]:
    """Repair the arguments of published commands: lists that the shell split, a misspelt option.

    Examples
    --------
    >>> repair_arguments(["--hfc-sizes=[300,", "144,", "35]", "--audio-feautre-type=0"])
    ['--hfc-sizes=[300, 144, 35]', '--audio-feature-type=0']
    """
    joined: list[str] = []
    for word in typed:
        if joined and "=[" in joined[-1] and "]" not in joined[-1]:
            joined[-1] += f" {word}"
        else:
            flag, equals, value = word.partition("=")
            joined.append(MISSPELT.get(flag, flag) + equals + value)
    return joined


def _reproduce(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    from mien.models import ModelConfig
    from mien.published.reproduce import PublishedCommand, reproduce
    from mien.training.config import TrainConfig

    values, notes = settings(args)
    given = vars(args)
    if "num_emotions" in given and "num_persons" in given:
        parser.error("--num-emotions and --num-persons are two tasks: give one of them")
    if given.get("img_interval", 500) <= 0:
        parser.error("--img-interval must be above 0 milliseconds")
    splits = tuple(name for name in ("valid", "test") if name in given)
    if splits and "init_modalities" in values["training"]:
        parser.error(
            "--ckpt-mod chooses the weights from which training starts, and --valid and --test"
            " evaluate a checkpoint as it is: leave it out, or choose modalities with -mod"
        )
    try:
        model = model_content(values["model"])
    except ValueError as error:
        parser.error(str(error))
    model, training, changed = _override(model, values["training"])
    for note in notes + changed:
        print(note)
    # where a recipe overrides the command, an invalid value may be the recipe's
    flags = {} if changed else {name: _flag_of(name) for name in _settings_given(given)}
    command = PublishedCommand(
        datapath=given.get("datapath", Path("data")),
        dataset=given.get("dataset", "iemocap"),
        frame_interval=given.get("img_interval", 500) / 1000,
        model=validated(parser, "model", ModelConfig, model, flags),
        training=validated(parser, "training", TrainConfig, training, flags),
        # of the task that is trained: a recipe may have set another
        labels=given.get(f"num_{training['task']}s"),
        gpu=given.get("cuda", "0"),
        splits=splits,
        savings=args.savings,
    )
    for metrics in reproduce(command):
        show(metrics)


def settings(args: argparse.Namespace) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Convert a published command to settings of mien, and notes on options that differ.

    Parameters
    ----------
    args : Namespace
        The result of the parser of `build_parser`.

    Returns
    -------
    settings : dict of str to dict
        The sections ``model``, as `mien.published.model.model_content` takes it, and ``training``.
    notes : list of str
        One for each option given that has no effect, or another one than its name says.
    """
    given = vars(args)
    model = given.get("model", "mme2e")
    values: dict[str, dict[str, Any]] = {"model": {}, "training": {}}
    for setting, (value, models) in REPRODUCED.items():
        if model in models:
            _set(values, setting, value)
    notes = []
    for option in OPTIONS:
        concerned, value = model in option.models, given.get(option.name, option.default)
        if concerned and option.setting and value is not None:
            _set(values, option.setting, option.value(value))
        if option.name in given and (note := _note(option, value, model)):
            notes.append(note)
    values["training"]["task"] = "person" if "num_persons" in given else "emotion"
    if ckpt := given.get("ckpt"):
        values["training"]["init"] = ckpt
        taken, own = set(given.get("ckpt_mod", "tav").lower()), set(values["model"]["modalities"])
        if not own <= taken:
            values["training"]["init_modalities"] = "".join(sorted(taken & own)) or "".join(taken)
    elif "ckpt_mod" in given:
        notes.append("--ckpt-mod has no effect without --ckpt")
    return values, notes


def _settings_given(given: Collection[str]) -> list[str]:
    """List the settings of mien that the options given set, by their flat names."""
    return [o.setting.partition(".")[2] for o in OPTIONS if o.setting and o.name in given]


def _set(values: dict[str, dict[str, Any]], setting: str, value: Any) -> None:
    section, name = setting.split(".")
    values[section][name] = value


def _note(option: Option, value: Any, model: str) -> str:
    flag = option.flags[-1] if option.kind is bool else f"{option.flags[-1]}={value}"
    if model not in option.models:
        return f"{option.flags[-1]} has no effect: {model} has no such setting"
    note = option.note(value)
    return note and f"{flag}: {note}"


def _override(
    model: dict[str, Any], training: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Apply the settings of the recipe that the environment names, and note them."""
    path = os.environ.get(RECIPE)
    if not path:
        return model, training, []
    recipe = read_recipe(Path(path))
    changed = [
        *_listed_settings(recipe.get("model", {})),
        *_listed_settings(recipe.get("training", {})),
    ]
    notes = [f"{RECIPE}={path} overrides the command: {', '.join(changed) or 'nothing'}"]
    model, lost = overridden(model, recipe.get("model", {}))
    if lost:
        notes.append(f"{RECIPE}={path}: the model of the command has no {', '.join(lost)}")
    return model, training | recipe.get("training", {}), notes


def _listed_settings(section: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """Yield each setting of a section with its value."""
    for name, value in section.items():
        if isinstance(value, Mapping):
            yield from _listed_settings(value, f"{before}{name}.")
        else:
            yield f"{before}{name} {value}"
