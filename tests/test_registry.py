"""Names of registered things, and the plugins that are looked for where a name is unknown."""

import sys
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import BaseModel, ValidationError

from mien.errors import MienError
from mien.plugins import VARIABLE, load_plugins
from mien.registry import OneOf, Registry

COLOURS: Registry[int] = Registry("colour")
COLOURS.register("red", 1)
COLOURS.register("light-blue", 2)


class Paint(BaseModel):
    colour: Annotated[str, OneOf(COLOURS)] | None = None


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Write a module and have the environment name it."""

    def write(name: str, code: str) -> None:
        (tmp_path / f"{name}.py").write_text(code)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setenv(VARIABLE, f" {name} ,")
        monkeypatch.delitem(sys.modules, name, raising=False)

    return write


def test_a_registry_reads_as_a_dict_in_order() -> None:
    assert list(COLOURS.items()) == [("red", 1), ("light-blue", 2)]
    assert COLOURS["red"] == 1
    assert COLOURS.get("green") is None
    assert "green" not in COLOURS


def test_an_unknown_name_is_told_what_may_be_meant() -> None:
    with pytest.raises(MienError) as error:
        COLOURS["light_blue"]
    assert str(error.value) == (
        "no colour 'light_blue' (did you mean light-blue?); choose from red, light-blue"
    )
    with pytest.raises(MienError) as error:
        COLOURS["x"]
    assert str(error.value) == "no colour 'x'; choose from red, light-blue"


def test_a_name_is_taken_once_and_must_be_a_word() -> None:
    COLOURS.register("red", 1)
    with pytest.raises(MienError, match="there is a colour 'red' already"):
        COLOURS.register("red", 3)
    for name in ("", "dark red", "red,blue", "--"):
        with pytest.raises(MienError, match="cannot name a colour"):
            COLOURS.register(name, 3)
    assert COLOURS["red"] == 1


def test_a_setting_may_be_the_name_of_something_registered() -> None:
    assert Paint(colour="red").colour == "red"
    assert Paint().colour is None
    with pytest.raises(ValidationError, match="did you mean red"):
        Paint(colour="rad")


def test_an_unknown_name_is_looked_for_in_plugins(plugin) -> None:
    shades: Registry[int] = Registry("shade")
    plugin("toy_shades", "import builtins\nbuiltins.toy_shades.register('dim', 4)\n")
    import builtins

    builtins.toy_shades = shades  # type: ignore[attr-defined]
    try:
        assert shades["dim"] == 4
    finally:
        del builtins.toy_shades  # type: ignore[attr-defined]


def test_a_plugin_that_fails_is_named(plugin) -> None:
    plugin("toy_broken", "import no_such_module_at_all\n")
    with pytest.raises(MienError) as error:
        load_plugins()
    assert str(error.value) == (
        "the plugin toy_broken, named by MIEN_PLUGINS, cannot be imported (ModuleNotFoundError:"
        " No module named 'no_such_module_at_all'): repair it or remove it"
    )


def test_an_installed_package_names_its_plugins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.plugins import _installed

    info = tmp_path / "toy_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mien.plugins]\ntoy = toy_installed\n")
    (tmp_path / "toy_installed.py").write_text("loaded = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    _installed.cache_clear()
    try:
        load_plugins()
        assert sys.modules["toy_installed"].loaded
        (tmp_path / "toy_installed.py").unlink()
        monkeypatch.delitem(sys.modules, "toy_installed")
        with pytest.raises(MienError, match="toy_installed, named by the package toy-package"):
            load_plugins()
    finally:
        _installed.cache_clear()
