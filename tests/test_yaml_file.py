"""Settings are read as plain values, and whatever else a YAML file can be is one line of error."""

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import MienError
from mien.files import read_json, write_text
from mien.yaml_file import MAX_BYTES, MAX_DEPTH, read_yaml


def read(content: str | bytes, folder: Path) -> Any:
    path = folder / "recipe.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_yaml(path)


plain = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text()
numbers = st.floats(allow_nan=False, allow_infinity=False)
trees = st.recursive(
    plain | numbers,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(trees)
def test_what_mien_writes_is_read(tmp_path_factory: pytest.TempPathFactory, tree: Any) -> None:
    dumper = yaml.SafeDumper
    text = yaml.dump(tree, Dumper=dumper, sort_keys=False)
    if "&id" not in text:  # PyYAML repeats equal texts, not containers, where nothing is shared
        assert read(text, tmp_path_factory.mktemp("yaml")) == tree


BAD = {
    "an anchor": ("a: &x 1\nb: 2\n", "line 1: anchors are not read"),
    "an alias": ("a: 1\nb: *x\n", "line 2: anchors are not read"),
    "a merge": ("a: &x {b: 1}\nc: {<<: *x}\n", "anchors are not read"),
    "a key twice": ("training:\n  lr: 1\n  lr: 2\n", "a key is given twice"),
    "a key twice at the top": ("lr: 1\nlr: 2\n", "a key is given twice"),
    "a tag": ("a: !!python/object/apply:os.getcwd []\n", "could not determine a constructor"),
    "a key that is a list": ("? [a]\n: 1\n", "unhashable"),
    "digits without end": (f"a: {'9' * 5000}\n", "4300 digits"),
    "hexadecimal that is none": ("a: 0x_\n", ""),
    "sexagesimal": (f"a: {':'.join(['59'] * 400)}.5\n", ""),
    "an infinity": ("a: .inf\n", "a number that is not finite"),
    "a NaN": ("a: .NaN\n", "a number that is not finite"),
    "a number that overflows": ("a: 1.0e+999\n", "a number that is not finite"),
    "binary that is none": ("a: !!binary x\n", ""),
    "a date that does not exist, by its tag": ("a: !!timestamp 2001-13-45\n", None),
    "two documents": ("a: 1\n---\nb: 2\n", "expected a single document"),
    "nothing that is text": (b"\xff\xfe\x00\x01", "codec"),
    "a control sign": (b"a: \x00\n", "not allowed"),
    "a list without end": ("[" * 100_000, "it is nested too deeply"),
    "lists in lines": ("".join(f"{' ' * i}-\n" for i in range(900)), "nested too deeply"),
    "a large file": ("#" * (MAX_BYTES + 1), "more than 1,000,000 bytes"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_plain_settings_is_told_in_one_line(name: str, tmp_path: Path) -> None:
    content, message = BAD[name]
    if message is None:
        assert read(content, tmp_path) == {"a": "2001-13-45"}
        return
    with pytest.raises(MienError) as error:
        read(content, tmp_path)
    assert str(error.value).startswith(f"{tmp_path / 'recipe.yaml'} is damaged: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


@settings(deadline=None, max_examples=300)
@given(st.text("[]{}:-,&*!?|>'\"%@#\n 0x1e.~<ab", max_size=60) | st.binary(max_size=40))
def test_noise_is_an_error_or_plain(
    tmp_path_factory: pytest.TempPathFactory, content: str | bytes
) -> None:
    try:
        found = read(content, tmp_path_factory.mktemp("noise"))
    except MienError:
        return
    assert repr(found)


def test_dates_are_texts_and_numbers_are_numbers(tmp_path: Path) -> None:
    content = "a: 2001-12-14\nb: 2001-13-45\nc: 1e-3\nd: 1.5e-3\ne: 0x10\nf: 'x'\ng: no\n"
    found = read(content, tmp_path)
    assert found == {
        **{"a": "2001-12-14", "b": "2001-13-45", "c": "1e-3", "d": 0.0015},
        **{"e": 16, "f": "x", "g": False},
    }


def test_settings_may_be_as_deep_as_they_are(tmp_path: Path) -> None:
    deep = "[" * (MAX_DEPTH - 1) + "1" + "]" * (MAX_DEPTH - 1)
    assert str(read(deep, tmp_path)) == deep
    with pytest.raises(MienError, match="nested too deeply"):
        read(f"[{deep}]", tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for read_file in (read_yaml, read_json):
        for path in (tmp_path / "none", tmp_path):
            with pytest.raises(MienError, match="can't be read") as error:
                read_file(path)
            assert str(path) in str(error.value)


@pytest.mark.parametrize("name", ["yaml-bomb-run/config.yaml", "deep.yaml"])
def test_bombs_that_were_found(shared_data: Path, name: str) -> None:
    path = shared_data / "odd" / "hostile" / name
    started = time.monotonic()
    with pytest.raises(MienError, match=r"is damaged: (line 2: anchors|it is nested)"):
        read_yaml(path)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "damaged"),
        ("[1]", "it holds a list"),
        ('{"a": NaN}', "NaN is no finite number"),
        ('{"a": -Infinity}', "-Infinity is no finite number"),
        ('{"a": 1e999}', "1e999 is no finite number"),
        ('{"a": ' + "9" * 5000 + "}", "4300 digits"),
        ('{"a":' + "[" * 100_000, "lists within lists"),
        (b"\xff", "codec"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_json_that_is_none(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = tmp_path / "metrics.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(MienError) as error:
        read_json(path, "measure again")
    assert str(error.value).startswith(f"{path}: damaged (")
    assert message in str(error.value)
    assert str(error.value).endswith("; measure again")
    assert len(str(error.value)) < 500


def test_a_large_json_file_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text(tmp_path / "a.json", '{"a": 1}')
    assert read_json(tmp_path / "a.json") == {"a": 1}
    monkeypatch.setattr("mien.files.LARGEST_JSON", 7)
    with pytest.raises(MienError, match="more than 7 bytes"):
        read_json(tmp_path / "a.json")
