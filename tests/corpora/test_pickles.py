"""Plain data come back as they were; everything else is refused, and nothing of it runs."""

import builtins
import codecs
import collections
import importlib
import io
import os
import pickle
import struct
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mien.errors import MienError
from mien.safe_pickle.reader import load

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def read(content: bytes, folder: Path) -> Any:
    path = folder / "data.pkl"
    path.write_bytes(content)
    return load(path)


def same(a: Any, b: Any) -> bool:
    """Compare types and contents, not-a-number included."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray | np.generic):
        if a.dtype.newbyteorder("=") != b.dtype.newbyteorder("=") or a.shape != b.shape:
            return False
        if a.dtype.kind == "O":
            return all(map(same, a.ravel().tolist(), b.ravel().tolist()))
        return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return a == b or (a != a and b != b)


# --- what is admitted -------------------------------------------------------------------------

numbers = st.integers() | st.floats() | st.complex_numbers(allow_nan=False) | st.booleans()
scalars = st.none() | numbers | st.text() | st.binary() | st.binary().map(bytearray)
keys = st.none() | st.integers() | st.text() | st.binary() | st.tuples(st.text(), st.integers())
dtypes = (
    hnp.integer_dtypes(endianness="?")
    | hnp.unsigned_integer_dtypes(endianness="?")
    | hnp.floating_dtypes(endianness="?")
    | hnp.boolean_dtypes()
    | hnp.unicode_string_dtypes(min_len=1, max_len=5)
    | hnp.byte_string_dtypes(min_len=1, max_len=5)
)
arrays = hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, min_side=0, max_side=4))
plain = st.recursive(
    scalars | arrays,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(keys, inner)
        | st.tuples(inner, inner)
        | st.sets(keys)
        | st.frozensets(keys)
    ),
    max_leaves=15,
)


@settings(deadline=None)
@given(value=plain, protocol=st.sampled_from(PROTOCOLS))
def test_plain_data_come_back_as_they_were(value: Any, protocol: int, tmp_path_factory) -> None:
    folder = tmp_path_factory.mktemp("pickle")
    assert same(read(pickle.dumps(value, protocol), folder), value)


@settings(deadline=None, max_examples=300)
@given(content=st.binary(max_size=60) | st.binary(max_size=60).map(lambda b: b"\x80\x04" + b))
def test_noise_is_an_error_or_plain_data(content: bytes, tmp_path_factory) -> None:
    try:
        value = read(content, tmp_path_factory.mktemp("noise"))
    except MienError:
        return
    assert repr(value)


@settings(deadline=None, max_examples=300)
@given(
    value=plain,
    protocol=st.sampled_from(PROTOCOLS),
    where=st.integers(0, 400),
    gone=st.integers(0, 3),
    junk=st.binary(min_size=1, max_size=4),
)
def test_a_damaged_pickle_is_an_error_or_plain_data(
    value: Any, protocol: int, where: int, gone: int, junk: bytes, tmp_path_factory
) -> None:
    content = pickle.dumps(value, protocol)
    where %= len(content)
    damaged = content[:where] + junk + content[where + gone :]
    try:
        value = read(damaged, tmp_path_factory.mktemp("damaged"))
    except MienError:
        return
    assert repr(value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "value",
    [
        np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.arange(10)[::2],
        np.zeros((3, 0)),
        np.array(["a", None, [np.arange(2)]], object),
        np.array([np.zeros(2), np.zeros(3)], object),
        np.float32(1.5),
        np.bool_(True),
        np.str_("happy"),
        np.int64(-3),
    ],
    ids=str,
)
def test_arrays_and_their_scalars(value: Any, protocol: int, tmp_path: Path) -> None:
    back = read(pickle.dumps(value, protocol), tmp_path)
    assert same(back, value)
    assert not isinstance(back, np.ndarray) or back.flags.writeable


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_array_that_stands_twice_stays_one(protocol: int, tmp_path: Path) -> None:
    array = np.arange(3)
    first, second = read(pickle.dumps([array, array], protocol), tmp_path)
    assert first is second
    assert first.tolist() == [0, 1, 2]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_ordered_dict_is_a_dict(protocol: int, tmp_path: Path) -> None:
    ordered = collections.OrderedDict([("b", 1), ("a", 2)])
    back = read(pickle.dumps(ordered, protocol), tmp_path)
    assert type(back) is dict
    assert list(back.items()) == [("b", 1), ("a", 2)]


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("module", [b"numpy.core.", b"numpy._core."])
def test_numpy_of_any_age(protocol: int, module: bytes, tmp_path: Path) -> None:
    content = pickle.dumps([np.arange(3), np.float64(2)], protocol)
    here = b"numpy._core." if b"numpy._core." in content else b"numpy.core."
    lengthened = content
    if protocol > 3:  # a name and its frame carry their lengths
        for part in (b"multiarray", b"numeric"):
            old, new = here + part, module + part
            lengthened = lengthened.replace(b"\x8c%c" % len(old) + old, b"\x8c%c" % len(new) + new)
        frame = struct.pack("<Q", len(lengthened) - 11)
        lengthened = lengthened[:3] + frame + lengthened[11:]
    else:
        lengthened = content.replace(here, module)
    back = read(lengthened, tmp_path)
    assert same(back, [np.arange(3), np.float64(2)])


PYTHON_2 = {
    "words, numbers, a tuple": (
        b"(dp0\nS'caf\\xe9'\np1\n(lp2\nI1\naL12345678901234567890L\naF2.5\naI01\nas.",
        {"café": [1, 12345678901234567890, 2.5, True]},
    ),
    "unicode and a set": (
        b"\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01c__builtin__\nset\nq\x02]q\x03(K\x01K\x02e\x85q\x04Rq\x05u.",
        {"a": {1, 2}},
    ),
    "an array": (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b\x87Rq\x03"
        b"(K\x01K\x02\x85cnumpy\ndtype\nq\x04U\x02f4K\x00K\x01\x87Rq\x05(K\x03U\x01<NNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK\x00tb\x89U\x08\x00\x00\x80?\x00\x00\x80\xffq\x06tb.",
        np.array([1, -np.inf], np.float32),
    ),
    "an ordered dict": (
        b"\x80\x02ccollections\nOrderedDict\nq\x00]q\x01(]q\x02(U\x01bK\x01e]q\x03(U\x01aK\x02ee\x85Rq\x04.",
        {"b": 1, "a": 2},
    ),
}


@pytest.mark.parametrize("name", PYTHON_2)
def test_pickles_of_python_2(name: str, tmp_path: Path) -> None:
    content, value = PYTHON_2[name]
    assert same(read(content, tmp_path), value)


@pytest.mark.parametrize("zipped", [True, False])
def test_what_torch_saves(zipped: bool, tmp_path: Path) -> None:
    value = {"a": torch.arange(6.0).reshape(2, 3).t(), "b": [1, "x", (torch.ones(2),)]}
    torch.save(value, tmp_path / "data.pt", _use_new_zipfile_serialization=zipped)
    back = load(tmp_path / "data.pt")
    expected = np.arange(6, dtype=np.float32).reshape(2, 3).T
    assert same(back, {"a": expected, "b": [1, "x", (np.ones(2, np.float32),)]})


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_tensors_within_a_pickle(protocol: int, tmp_path: Path) -> None:
    value = [torch.arange(6.0).reshape(2, 3).t(), torch.arange(9)[2:5], torch.tensor(3)]
    back = read(pickle.dumps(value, protocol), tmp_path)
    assert same(back, [tensor.numpy() for tensor in value])


# --- what is refused --------------------------------------------------------------------------


class Call:
    """Pickles as a call of a function, with a state if there is one."""

    def __init__(self, function: Any, *arguments: Any, state: Any = None) -> None:
        self.parts = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> Any:
        return self.parts


def touch(path: Path) -> None:
    """Stand for the harm."""
    path.write_text("harm")


CALLS = {
    "posix.system": lambda p: Call(os.system, f"touch {p}"),
    "posix.unlink": lambda p: Call(os.unlink, str(p.with_name("kept"))),
    "subprocess.Popen": lambda p: Call(__import__("subprocess").Popen, ["touch", str(p)]),
    "builtins.eval": lambda p: Call(eval, f"open({str(p)!r}, 'w')"),
    "builtins.exec": lambda p: Call(exec, f"open({str(p)!r}, 'w')"),
    "open": lambda p: Call(open, str(p), "w"),
    "builtins.getattr": lambda p: Call(getattr, "", "join"),
    "builtins.__import__": lambda p: Call(__import__, "os"),
    "builtins.compile": lambda p: Call(compile, "1", "", "eval"),
    "builtins.map": lambda p: Call(map, os.system, [f"touch {p}"]),
    "builtins.type": lambda p: Call(type, "X", (), {}),
    "builtins.print": lambda p: Call(print, "harm"),
    "importlib.import_module": lambda p: Call(importlib.import_module, "os"),
    "operator.attrgetter": lambda p: Call(__import__("operator").attrgetter, "system"),
    "functools.partial": lambda p: Call(__import__("functools").partial, os.system, f"touch {p}"),
    "runpy._run_code": lambda p: Call(__import__("runpy")._run_code, "1", {}),
    "_codecs.decode": lambda p: Call(codecs.decode, b"x", "hex"),
    "pathlib.PosixPath": lambda p: p,
    "numpy.load": lambda p: Call(np.load, str(p)),
    "numpy.memmap": lambda p: Call(np.memmap, str(p), np.uint8, "w+", 0, (1,)),
    "numpy.fromfile": lambda p: Call(np.fromfile, "/dev/zero"),
    "numpy.save": lambda p: Call(np.save, str(p), 1),
    "numpy.matrix": lambda p: Call(np.matrix, [1]),
    "numpy.rec.recarray": lambda p: Call(np.rec.recarray, (1,), "f8"),
    "torch.serialization.load": lambda p: Call(torch.load, str(p)),
    "torch._utils._rebuild_tensor": lambda p: Call(torch._utils._rebuild_tensor, 1, 0, (), ()),
    "pickle.loads": lambda p: Call(pickle.loads, pickle.dumps(1)),
    "collections.deque": lambda p: collections.deque([1]),
    "datetime.date": lambda p: __import__("datetime").date(2020, 1, 1),
    "test_pickles.touch": lambda p: Call(touch, p),
}


@pytest.fixture
def harm(tmp_path: Path) -> Path:
    (tmp_path / "kept").write_text("")
    return tmp_path / "harm"


def assert_refused(content: bytes, harm: Path, *words: str) -> None:
    """Demand an error that names the file and the culprit, and no trace of what it asked for."""
    modules = set(sys.modules)
    path = harm.with_name("attack.pkl")
    path.write_bytes(content)
    with pytest.raises(MienError) as error:
        load(path)
    assert str(error.value).startswith(f"{path}: ")
    for word in words:
        assert word in str(error.value)
    assert not harm.exists()
    assert harm.with_name("kept").exists()
    assert not {"antigravity", "this"} & (set(sys.modules) - modules)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", CALLS)
def test_calls_are_refused_by_name(name: str, protocol: int, harm: Path) -> None:
    content = pickle.dumps({"label": [CALLS[name](harm)]}, protocol)
    assert_refused(content, harm, "names", name.rpartition(".")[2])


def global_(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def text(words: str) -> bytes:
    return b"X" + struct.pack("<I", len(words.encode())) + words.encode()


DTYPE = global_("numpy", "dtype")
BYTES, SET = global_("__builtin__", "bytes"), global_("builtins", "set")
FROM_BUFFER = global_("numpy.core.numeric", "_frombuffer")
RECONSTRUCT = global_("numpy.core.multiarray", "_reconstruct")
BLANK = RECONSTRUCT + global_("numpy", "ndarray") + b"K\x00\x85C\x01b\x87R"
F8 = (
    DTYPE
    + text("f8")
    + b"\x89\x88\x87R(K\x03"
    + text("<")
    + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
)
O8 = (
    DTYPE
    + text("O8")
    + b"\x89\x88\x87R(K\x03"
    + text("|")
    + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb"
)


def array(dtype: bytes, shape: bytes, data: bytes) -> bytes:
    return BLANK + b"(K\x01" + shape + dtype + b"\x89" + data + b"tb"


EIGHT = b"C\x08" + struct.pack("<Q", 0x1000)
ATTACKS = {
    # names by other ways than a call in a tree of Python objects
    "an instance of old": (b"(S'touch harm'\nios\nsystem\n.", "os.system"),
    "an object": (b"(" + global_("os", "system") + b"S'touch harm'\no.", "os.system"),
    "a name alone": (global_("os", "system") + b".", "os.system"),
    "a name off the stack": (b"\x80\x04" + text("os") + text("system") + b"\x93.", "os.system"),
    "a dotted name": (
        b"\x80\x04" + text("numpy") + text("core.multiarray.os.system") + b"\x93.",
        "numpy.core.multiarray.os.system",
    ),
    "an attribute of what is admitted": (
        b"\x80\x04" + text("numpy") + text("ndarray.tofile") + b"\x93.",
        "numpy.ndarray.tofile",
    ),
    "a submodule import": (global_("antigravity", "x") + b".", "antigravity.x"),
    "a registered extension": (b"\x82\x01.", "EXT1"),
    "a persistent id": (b"Pid\n.", "PERSID"),
    "a binary persistent id": (b"K\x01Q.", "BINPERSID"),
    "a buffer from outside": (b"\x80\x05\x97.", "NEXT_BUFFER"),
    "a new object": (SET + b")\x81.", "NEWOBJ"),
    "a new object with keywords": (SET + b")}\x92.", "NEWOBJ_EX"),
    "copyreg": (global_("copyreg", "_reconstructor") + b".", "copyreg._reconstructor"),
    "copyreg of Python 2": (global_("copy_reg", "add_extension") + b".", "copy_reg.add_extension"),
    # admitted names, left or used in another way
    "a stand-in as the answer": (DTYPE + b".", "names a type"),
    "a function as the answer": (RECONSTRUCT + b".", "names a method"),
    "an element type as the answer": (F8 + b".", "_DType"),
    "the state of a dict": (b"}}b.", "the state of a dict"),
    "the state of a name": (DTYPE + b"}" + text("real") + b"K\x01sb.", "the state of a type"),
    "the slots of a name": (
        RECONSTRUCT + b"N}" + text("__defaults__") + b"K\x01s\x86b.",
        "the state of a method",
    ),
    "a dtype of any spec": (DTYPE + text("f8,O") + b"\x89\x88\x87R.", "f8,O"),
    "a dtype of a record": (DTYPE + text("V8") + b"\x89\x88\x87R.", "V8"),
    "a dtype of dates": (DTYPE + text("M8[s]") + b"\x89\x88\x87R.", "M8"),
    "a dtype from a class": (DTYPE + DTYPE + b"\x85R.", "the element type"),
    "a dtype with fields": (
        DTYPE + text("f8") + b"\x89\x88\x87R(K\x03" + text("|") + b"N(" + text("a") + b"t}"
        b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb.",
        "structure",
    ),
    "an array of another class": (
        RECONSTRUCT + DTYPE + b"K\x00\x85C\x01b\x87R.",
        "another kind than numpy.ndarray",
    ),
    # states that would make NumPy read what is not its own
    "bytes for the addresses of objects": (array(O8, b"K\x01\x85", EIGHT) + b".", "addresses"),
    "a buffer of addresses": (
        FROM_BUFFER + b"(" + EIGHT + O8 + b"K\x01\x85" + text("C") + b"tR.",
        "addresses",
    ),
    "a scalar of addresses": (
        global_("numpy.core.multiarray", "scalar") + O8 + EIGHT + b"\x86R.",
        "addresses",
    ),
    "a scalar that is a list": (
        global_("numpy.core.multiarray", "scalar") + O8 + b"]K\x01a\x86R.",
        "objects",
    ),
    "more objects than there are": (
        array(O8, b"M\xff\xff\x85", b"]K\x01a") + b".",
        "another number of elements",
    ),
    "more numbers than there are": (
        array(F8, b"M\xff\xff\x85", EIGHT) + b".",
        "another number of elements",
    ),
    "a negative side": (array(F8, b"J\xff\xff\xff\xff\x85", EIGHT) + b".", "shape (-1,)"),
    "a side that is true": (array(F8, b"\x88\x85", EIGHT) + b".", "shape (True,)"),
    "text beyond Unicode": (
        array(F8.replace(b"f8", b"U1"), b"K\x01\x85", b"C\x04\xff\xff\xff\x7f") + b".",
        "invalid characters",
    ),
    "an array without content": (BLANK + b".", "without content"),
    "a second state": (
        array(F8, b"K\x01\x85", EIGHT) + b"(K\x01K\x01\x85" + F8 + b"\x89" + EIGHT + b"tb.",
        "the state of a ndarray",
    ),
    # a few bytes that ask for gigabytes
    "so many zeros": (global_("builtins", "bytearray") + b"J\xff\xff\xff\x7f\x85R.", "int"),
    "so many zeros, in bytes": (BYTES + b"J\xff\xff\xff\x7f\x85R.", "int"),
    "a long byte array": (b"\x80\x05\x96" + struct.pack("<Q", 1 << 44) + b"x.", "cannot be read"),
    "long bytes": (b"\x80\x04\x8e" + struct.pack("<Q", 1 << 44) + b"x.", "cannot be read"),
    "a long text": (b"\x80\x04\x8d" + struct.pack("<Q", 1 << 44) + b"x.", "cannot be read"),
    "a long frame": (b"\x80\x04\x95" + struct.pack("<Q", 1 << 44) + b"N.", ""),
    "a far place in the memo": (b"Kxr\xff\xff\xff\x7fr\xff\xff\xff\x7e", "cannot be read"),
    "copies of copies": (
        b"B" + struct.pack("<I", 5000) + b"x" * 5000 + b"q\x00("
        + (global_("builtins", "bytearray") + b"h\x00\x85R") * 100 + b"t.",
        "more than the file does",
    ),
    "copies of a list": (
        b"](" + b"K\x01" * 5000 + b"eq\x00(" + (SET + b"h\x00\x85R") * 100 + b"t.",
        "more than the file does",
    ),
    "elements without size": (
        array(F8.replace(b"f8", b"U0"), b"J\xff\xff\xff\x7f\x85", b"C\x00") + b".",
        "more than the file does",
    ),
    # no pickle, or half of one
    "nothing": (b"", "cannot be read"),
    "half": (pickle.dumps(list(range(100)))[:50], "cannot be read"),
    "something else": (b"id,text\na,hello\n", "names"),
    "a deep nest": (b"]" * 100_000, "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_by_hand(name: str, harm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(harm.parent)
    content, word = ATTACKS[name]
    if name == "a long frame":  # the frame is what the file holds: harmless
        assert read(content, harm.parent) is None
        return
    assert_refused(content, harm, word)


def test_the_memory_taken_is_that_of_the_file(tmp_path: Path) -> None:
    """With a limit on memory in a process of its own, no bomb reaches it."""
    import subprocess

    bombs = [name for name in ATTACKS if name.startswith(("so many", "a long", "a far", "long"))]
    for number, name in enumerate(bombs):
        (tmp_path / f"{number}.pkl").write_bytes(ATTACKS[name][0])
    code = (
        "import resource, sys; from pathlib import Path; import numpy;"
        "from mien.safe_pickle.reader import load; from mien.errors import MienError\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for path in Path(sys.argv[1]).iterdir():\n"
        "    try: load(path)\n"
        "    except MienError: pass\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    result = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True)
    assert int(result.stdout) < 50_000, result.stderr  # KiB


@pytest.mark.parametrize("zipped", [True, False])
def test_what_torch_saves_is_guarded_too(zipped: bool, harm: Path) -> None:
    buffer = io.BytesIO()
    evil = {"a": torch.ones(2), "b": Call(builtins.eval, f"open({str(harm)!r}, 'w')")}
    torch.save(evil, buffer, _use_new_zipfile_serialization=zipped)
    assert_refused(buffer.getvalue(), harm, "names", "eval")
    assert_refused(buffer.getvalue()[:-40], harm)


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [(0, (3,), (1,)), (1, (2,), (1,)), (0, (2,), (5,)), (-1, (1,), (1,)), (0, (1 << 40,), (0,))],
)
def test_a_tensor_beyond_its_numbers(offset: int, size: tuple, stride: tuple, harm: Path) -> None:
    storage = torch.ones(2)._typed_storage()
    forged = Call(torch._utils._rebuild_tensor_v2, storage, offset, size, stride, False, {})
    assert_refused(pickle.dumps(forged), harm, "tensor")


def test_a_storage_that_is_something_else(harm: Path) -> None:
    inner = io.BytesIO()
    torch.save(Call(os.system, f"touch {harm}"), inner)
    forged = Call(torch.storage._load_from_bytes, inner.getvalue())
    assert_refused(pickle.dumps(forged), harm, "posix.system")
    assert_refused(pickle.dumps(torch.ones(1)._typed_storage()), harm, "TypedStorage")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"gone\.pkl: no such file"):
        load(tmp_path / "gone.pkl")
    with pytest.raises(MienError, match="cannot be read"):
        load(tmp_path)


# --- what would not end -----------------------------------------------------------------------

DOUBLED = b"2\x86"  # twice the same, as a tuple
NESTED = b"\x85" * 60  # a tuple of a tuple of a tuple …


def twice(times: int, join: bytes = DOUBLED) -> bytes:
    return b"K\x01" + join * times


BOMBS = {
    "a key": (b"\x80\x02}" + twice(60) + b"}s.", "a tuple in a key"),
    "a key among others": (b"\x80\x02}(K\x01K\x02" + twice(60) + b"K\x01u.", "a tuple in a key"),
    "a key of a dict of old": (b"(" + twice(60) + b"K\x01d.", "a tuple in a key"),
    "a key of an ordered dict": (
        global_("collections", "OrderedDict") + b"](" + twice(60) + b"K\x02\x86e\x85R.",
        "a tuple in a key",
    ),
    "a member of a set": (SET + b"](" + twice(60) + b"e\x85R.", "a tuple in a key"),
    "a member of a set of today": (b"\x80\x04\x8f(" + twice(60) + b"\x90.", "a tuple in a key"),
    "a member of a frozen set": (b"\x80\x04(" + twice(60) + b"\x91.", "a tuple in a key"),
    "a tuple": (b"\x80\x02" + twice(60) + b".", "nested too deeply"),
    "a tuple that is flat": (b"\x80\x02" + twice(40) + b".", "far larger than the file"),
    "lists": (b"\x80\x02" + (b"]q\x00h\x00a" + b"0h\x00") + b".", "nested too deeply"),
    "lists by reference": (
        b"\x80\x02]" + b"".join(b"q%c](h%ch%ce" % (i, i, i) for i in range(40)) + b".",
        "far larger than the file",
    ),
    "a deep list": (b"\x80\x02" + b"]" * 5000 + b"a" * 4999 + b".", "nested too deeply"),
    "a deep tuple": (b"\x80\x02K\x01" + NESTED + b".", "nested too deeply"),
    "a long number": (b"\x80\x02\x8b" + struct.pack("<I", 5000) + b"\x7f" * 5000 + b".", "bits"),
    "a number of many digits": (b"L" + b"9" * 5000 + b"L\n.", "4300 digits"),
    "a shape": (array(F8, twice(60) + b"\x85", b"C\x00") + b".", "an array of an invalid shape"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_not_end_is_refused_at_once(name: str, tmp_path: Path) -> None:
    content, message = BOMBS[name]
    started = time.monotonic()
    with pytest.raises(MienError) as error:
        read(content, tmp_path)
    assert time.monotonic() - started < 2
    assert message in str(error.value)
    assert len(str(error.value)) < 500


def test_the_bomb_that_was_found(shared_data: Path) -> None:
    folder = shared_data / "odd" / "hostile" / "pickle-bomb" / "IEMOCAP_RAW_PROCESSED"
    with pytest.raises(MienError, match=r"meta\.pkl: refused, since it has a tuple in a key"):
        load(folder / "meta.pkl")


def test_what_honest_pickles_share_is_read(tmp_path: Path) -> None:
    labels = [0, 1, 0, 0, 0, 0]
    value = {f"Ses01F_impro01_F{i:03}": {"label": labels, "text": ["a"] * 9} for i in range(2000)}
    back = read(pickle.dumps(value), tmp_path)
    assert back == value
    assert back["Ses01F_impro01_F000"]["label"] is back["Ses01F_impro01_F001"]["label"]
    keys = {("a", 1): 1, np.float32(2): 2, frozenset: 3}.keys() - {frozenset}
    assert read(pickle.dumps(dict.fromkeys(keys, 0)), tmp_path) == dict.fromkeys(keys, 0)
