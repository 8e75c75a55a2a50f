import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import MienError
from mien.models.pretrained.ctranslate2_file import read_variables

VARIABLES = {
    "encoder/weight": np.arange(6, dtype="<f2").reshape(2, 3),
    "encoder/scale": np.array(0.5, dtype="<f4"),
    "decoder/bytes": np.array([-1, 2], dtype="i1"),
    "decoder/shorts": np.array([[-300]], dtype="<i2"),
    "decoder/ints": np.array([70_000], dtype="<i4"),
}
TYPES = {"<f4": 0, "|i1": 1, "<i2": 2, "<i4": 3, "<f2": 4}


def text(value: str) -> bytes:
    return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"


def head(count: int, version: int = 6) -> bytes:
    return struct.pack("<I", version) + text("WhisperSpec") + struct.pack("<II", 3, count)


def variable(name: str, sizes: list[int], code: int, size: int, data: bytes = b"") -> bytes:
    layout = struct.pack(f"<B{len(sizes)}I", len(sizes), *sizes)
    return text(name) + layout + struct.pack("<BI", code, size) + data


def content() -> bytes:
    parts = [
        variable(name, list(a.shape), TYPES[a.dtype.str], a.nbytes, a.tobytes())
        for name, a in VARIABLES.items()
    ]
    aliases = struct.pack("<I", 1) + text("decoder/other") + text("decoder/ints")
    return head(len(parts)) + b"".join(parts) + aliases


def read(folder: Path, data: bytes, wanted=lambda name: True) -> dict[str, np.ndarray]:
    path = folder / "model.bin"
    path.write_bytes(data)
    return read_variables(path, wanted)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("ctranslate2")


def test_every_type_and_shape_comes_back(folder):
    variables = read(folder, content())
    assert list(variables) == list(VARIABLES)
    for name, array in VARIABLES.items():
        assert variables[name].dtype == array.dtype
        np.testing.assert_array_equal(variables[name], array, strict=True)


def test_only_what_is_wanted_comes_back(folder):
    variables = read(folder, content(), lambda name: name.startswith("encoder/"))
    assert list(variables) == ["encoder/weight", "encoder/scale"]


def test_a_file_that_ends_anywhere_is_refused(folder):
    data = content()
    for length in range(len(data)):
        with pytest.raises(MienError, match=r"model\.bin is no model .* ends too early"):
            read(folder, data[:length], lambda name: False)


ONE = variable("a", [2], 0, 8, bytes(8))
NONE = struct.pack("<I", 0)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (head(1, version=5) + ONE + NONE, "version 5, not 6"),
        (head(2**32 - 1) + ONE, "ends too early"),
        (head(1) + ONE + struct.pack("<I", 2**32 - 1), "ends too early"),
        (head(2) + ONE + ONE + NONE, "a is there twice"),
        (head(1) + ONE + NONE + b"x", "1 bytes too many"),
        (head(1) + variable("a", [1] * 9, 0, 4, bytes(4)) + NONE, "9 dimensions"),
        (head(1) + variable("a", [2], 5, 4, bytes(4)) + NONE, "unknown type of numbers 5"),
        (head(1) + variable("a", [3], 0, 8, bytes(8)) + NONE, "8 bytes for an array of sizes"),
        (head(1) + variable("a", [2**32 - 1] * 8, 0, 8, bytes(8)) + NONE, "8 bytes for an array"),
        (head(1) + variable("a", [0] + [2**32 - 1] * 3, 0, 0) + NONE, "0 bytes for an array"),
        (head(1) + variable("a", [2**30 - 1], 0, 2**32 - 4) + NONE, "ends too early"),
        (head(1) + ONE.replace(b"a\0", b"\xff\0") + NONE, "a name is no text"),
        (head(1) + ONE.replace(b"a\0", b"ab") + NONE, "does not end where it should"),
        (head(1) + ONE.replace(b"a\0", b"\0\0") + NONE, "does not end where it should"),
        (head(1) + ONE.replace(text("a"), b"\0\0") + NONE, "does not end where it should"),
    ],
    ids=range(15),
)
def test_what_a_file_says_is_compared_before_it_is_believed(folder, data, why):
    read(folder, head(1) + ONE + NONE)
    tracemalloc.start()
    try:
        with pytest.raises(MienError, match=why):
            read(folder, data)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(MienError, match=r"model\.bin is no model of CTranslate2 .*No such file"):
        read_variables(tmp_path / "model.bin", lambda name: True)


@settings(max_examples=500, deadline=None)
@given(
    edits=st.lists(st.tuples(st.integers(0, len(content()) - 1), st.integers(0, 255)), min_size=1),
    cut=st.slices(len(content())),
)
def test_a_damaged_file_is_read_or_refused(folder, edits, cut):
    data = bytearray(content())
    for place, value in edits:
        data[place] = value
    for damaged in (bytes(data), bytes(data)[cut]):
        try:
            variables = read(folder, damaged)
        except MienError:
            continue
        assert sum(array.nbytes for array in variables.values()) < len(damaged)
