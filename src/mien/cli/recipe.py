"""Recipes: settings in a YAML file, which may extend another one."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from mien.errors import MienError, did_you_mean
from mien.yaml_file import read_yaml

SECTIONS = {"model": dict, "training": dict, "about": str, "extends": str}

MAX_DEPTH = 5
"""Longest chain of recipes of which each extends the next."""


def read_recipe(path: Path) -> dict[str, Any]:
    """Read a recipe and those that it extends, whose settings it overrides.

    Raises
    ------
    MienError
        A file can't be read, has other sections, or extends itself.
    """
    return _read(path, ())


def _read(path: Path, before: tuple[Path, ...]) -> dict[str, Any]:
    content = _sections(path)
    extended = content.pop("extends", None)
    if extended is None:
        return content
    chain = (*before, path.resolve())
    name = PurePosixPath(extended)
    if name.is_absolute() or ".." in name.parts:
        raise MienError(f"{path}: extends {extended}, which is not in the same folder")
    other = path.parent / name
    if other.resolve() in chain:
        raise MienError(f"{path}: extends {extended}, which extends this recipe: leave one out")
    if len(chain) >= MAX_DEPTH:
        raise MienError(f"{path}: more than {MAX_DEPTH} recipes extend one another")
    return merged(_read(other, chain), content)


def _sections(path: Path) -> dict[str, Any]:
    content = read_yaml(path)
    if isinstance(content, dict):
        for name in content:
            if name not in SECTIONS:
                raise MienError(
                    f"{path}: there is no section {name!r}{did_you_mean(str(name), SECTIONS)};"
                    f" known: {', '.join(SECTIONS)}"
                )
    if not isinstance(content, dict) or not all(
        isinstance(value, SECTIONS[name]) for name, value in content.items()
    ):
        raise MienError(
            f"{path}: a recipe has the sections model and training, with one setting per line, and"
            " the texts about and extends"
        )
    return content


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge settings over others, section by section.

    An encoder of another kind keeps none of the settings below it; null leaves an encoder out.

    Examples
    --------
    >>> base = {"encoders": {"text": {}, "audio": {"kind": "vgg", "width": 0.5}}}
    >>> merged(base, {"encoders": {"text": None, "audio": {"positions": True}}})
    {'encoders': {'audio': {'kind': 'vgg', 'width': 0.5, 'positions': True}}}
    """
    found = dict(base)
    for name, value in over.items():
        under = found.get(name)
        if name == "encoders" and isinstance(value, Mapping):
            both = merged(under if isinstance(under, Mapping) else {}, value)
            found[name] = {m: encoder for m, encoder in both.items() if encoder is not None}
        elif isinstance(value, Mapping) and isinstance(under, Mapping):
            same = value.get("kind", under.get("kind")) == under.get("kind")
            found[name] = merged(under, value) if same else dict(value)
        else:
            found[name] = value
    return found
