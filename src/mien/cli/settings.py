"""Settings from flags and from a recipe: flags override the recipe."""

import argparse
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from mien.cli.recipe import read_recipe
from mien.errors import MienError, did_you_mean
from mien.registry import OneOf

Settings = TypeVar("Settings", bound=BaseModel)


def add_fields(group: Any, settings: type[BaseModel], *, without: Collection[str] = ()) -> None:
    """Add a flag for each field; one that is not given is left out, so that a recipe can set it."""
    for name, field in settings.model_fields.items():
        if name not in without:
            add_field(group, name, field, explain(field))


def add_field(group: Any, name: str, field: FieldInfo, about: str, *, hidden: bool = False) -> None:
    """Add a flag for a field, which `--help` does not show if it is `hidden`.

    Its value is validated by the settings, so that recipes are validated as flags are.
    """
    text = argparse.SUPPRESS if hidden else about.replace("%", "%%")
    options: dict[str, Any] = {"default": argparse.SUPPRESS, "dest": name, "help": text}
    if field.annotation is bool:
        options["action"] = argparse.BooleanOptionalAction
    else:
        names = choices(field)
        options["metavar"] = f"{{{','.join(names)}}}" if names else "VALUE"
    group.add_argument(flag_of(name), **options)


def flag_of(name: str) -> str:
    """Return the flag of a setting.

    Examples
    --------
    >>> flag_of("text_max_len")
    '--text-max-len'
    """
    return "--" + name.replace("_", "-")


def explain(field: FieldInfo) -> str:
    """Describe a field, with its default if there is one."""
    default = "" if field.default is None else f" (default: {field.default})"
    return f"{field.description}{default}"


def choices(field: FieldInfo) -> list[str]:
    """List the values that a field may have, if they are few."""
    marks = [mark for mark in field.metadata if isinstance(mark, OneOf)]
    return [name for mark in marks for name in mark.registry] or _choices(field.annotation)


def _choices(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return list(map(str, get_args(annotation)))
    if isinstance(annotation, OneOf):
        return list(annotation.registry)
    return [value for part in get_args(annotation) for value in _choices(part)]


def read_settings(args: argparse.Namespace, section: str, kind: type[Settings]) -> Settings:
    """Read a section of --config, overridden by the flags.

    Raises
    ------
    MienError
        The file can't be read, has other sections, or an invalid value.
    SystemExit
        A flag has an invalid value.
    """
    recipe = {} if args.config is None else read_recipe(args.config).get(section, {})
    given = {name: getattr(args, name) for name in kind.model_fields if hasattr(args, name)}
    try:
        return kind.model_validate(recipe | given)
    except ValidationError as error:
        first = error.errors()[0]["loc"]
        if first and first[0] in recipe.keys() - given.keys():
            raise _of_recipe(args.config, section, kind, error) from error
        parser: argparse.ArgumentParser = args.parser
        parser.error(_told(error, section, kind, flags_of(given)))


def flags_of(names: Iterable[str]) -> dict[str, str]:
    """Return the flags of settings by their names."""
    return {name: flag_of(name) for name in names}


def validated(
    parser: argparse.ArgumentParser,
    section: str,
    kind: type[Settings],
    content: dict[str, Any],
    flags: Mapping[str, str],
) -> Settings:
    """Make settings of values. Ends like a wrong command if a value is invalid.

    Parameters
    ----------
    parser : ArgumentParser
        The parser of the command.
    section : str
        The name of the section, for errors of several settings together.
    kind : type
        The settings to make.
    content : dict
        Their values.
    flags : mapping of str to str
        The flags that the user typed, by the flat names of the settings: errors name these.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        parser.error(_told(error, section, kind, flags))


def validated_recipe(
    path: Path, section: str, kind: type[Settings], content: dict[str, Any]
) -> Settings:
    """Make settings of a recipe's section. Raises `MienError` if a value is invalid."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise _of_recipe(path, section, kind, error) from error


def _of_recipe(
    path: Path, section: str, kind: type[BaseModel], error: ValidationError
) -> MienError:
    told = _told(error, section, kind)
    where = "" if told.startswith(section) else f"{section}."
    return MienError(f"{path}: {where}{told}")


def _told(
    error: ValidationError, section: str, kind: type[BaseModel], flags: Mapping[str, str] = {}
) -> str:
    """Say which setting, or which of the flags typed, has which invalid value."""
    first = error.errors()[0]
    where = _typed(first["loc"], flags) or ".".join(map(str, first["loc"])) or section
    if first["type"] == "value_error":  # raised by mien, which says it all
        return f"{where}: {first['ctx']['error']}"
    if first["type"] == "extra_forbidden":
        name = str(first["loc"][-1])
        return f"{where}: there is no such setting{did_you_mean(name, kind.model_fields)}"
    given = repr(first["input"])
    return f"{where}: {first['msg']} (given: {given if len(given) <= 100 else given[:100] + '…'})"


def _typed(path: Sequence[str | int], flags: Mapping[str, str]) -> str | None:
    """Return the flag that set the setting at a path, such as encoders, audio, width."""
    *where, name = map(str, path or ("",))
    own = "_".join([*where[1:], name])  # of one encoder
    return flags.get(own, flags.get(name))
