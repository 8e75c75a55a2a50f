"""Read pickles from untrusted sources without running anything in them.

A pickle is a program, and Python's own loader runs it. This one knows plain containers, strings,
numbers and NumPy arrays, and refuses anything else before it is called: no name in a pickle ever
reaches an import. The state of an array, which NumPy trusts, is checked first: a wrong one can make
it read memory out of bounds.
"""

import math
import mmap
import pickle
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from mien.errors import MienError
from mien.safe_pickle import tensors
from mien.safe_pickle.plain_data import Refused, check_keys, check_plain

_OPERATIONS = (
    *(pickle.PROTO, pickle.FRAME, pickle.STOP, pickle.MARK, pickle.POP, pickle.POP_MARK),
    *(pickle.MEMOIZE, pickle.PUT, pickle.BINPUT, pickle.LONG_BINPUT, pickle.DUP),
    *(pickle.GET, pickle.BINGET, pickle.LONG_BINGET),
    *(pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE, pickle.FLOAT, pickle.BINFLOAT),
    *(pickle.INT, pickle.BININT, pickle.BININT1, pickle.BININT2),
    *(pickle.LONG, pickle.LONG1, pickle.LONG4),
    *(pickle.STRING, pickle.BINSTRING, pickle.SHORT_BINSTRING, pickle.UNICODE),
    *(pickle.BINUNICODE, pickle.SHORT_BINUNICODE, pickle.BINUNICODE8),
    *(pickle.BINBYTES, pickle.SHORT_BINBYTES, pickle.BINBYTES8),
    *(pickle.EMPTY_LIST, pickle.LIST, pickle.APPEND, pickle.APPENDS),
    *(pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3),
    *(pickle.EMPTY_DICT, pickle.DICT, pickle.SETITEM, pickle.SETITEMS),
    *(pickle.EMPTY_SET, pickle.ADDITEMS, pickle.FROZENSET),
    *(pickle.GLOBAL, pickle.STACK_GLOBAL, pickle.REDUCE),
)
_SPEC = re.compile(r"[<>=|]?([biufcSUO])\d*")
_ARRAY = object()
# From text to bytes, and from bytes to an array: an honest pickle is copied three times at most.
_COPIES = 3


def load(path: Path) -> Any:
    """Read a pickle of plain data, or a ``.pt`` file that holds nothing but plain data and tensors.

    Parameters
    ----------
    path : Path
        Written by Python 2 or 3, any protocol, with NumPy of any age; or by ``torch.save``.

    Returns
    -------
    object
        None, numbers, strings, bytes, lists, tuples, dicts, sets and NumPy arrays of numbers,
        strings or any of these. An ordered dict becomes a dict, a tensor an array.

    Raises
    ------
    MienError
        The file is missing or damaged, or contains anything else. Nothing of it has run.

    Notes
    -----
    A pickle takes memory and time in proportion to its size, whatever it claims to hold: a
    container that contains itself, or the same object so often that its expansion would be huge,
    is refused. Keys must be plain values or tuples of these.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "meta.pkl"
    ...     _ = path.write_bytes(pickle.dumps({"a": np.arange(3)}))
    ...     load(path)
    {'a': array([0, 1, 2])}
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if tensors.saved_by_torch(data[:16]):
                return check_plain(tensors.to_arrays(tensors.load_saved(path)), len(data))
            return check_plain(_SafeUnpickler(data, len(data)).load(), len(data))
    except MienError as error:
        raise MienError(f"{path}: {error}") from error
    except FileNotFoundError:
        raise MienError(f"{path}: no such file") from None
    except Exception as error:  # a damaged stream can raise anything
        raise MienError(
            f"{path}: cannot be read as a pickle of plain data ({error or type(error).__name__});"
            " it is damaged or something else"
        ) from error


class _DType:
    """The dtype in a pickle, of which a real dtype is made."""

    def __init__(self, spec: str, align: object = False, copy: object = False) -> None:
        if not (isinstance(spec, str) and _SPEC.fullmatch(spec)):
            raise Refused(f"the element type {spec!r}")
        self.real = np.dtype(spec)

    def build(self, state: Sequence[Any]) -> None:
        _, order, *structure = state[:5]
        if any(part is not None for part in structure) or order not in ("<", ">", "=", "|"):
            raise Refused("an element type with a structure")
        if order in ("<", ">"):
            self.real = self.real.newbyteorder(order)


# The pure Python unpickler, for its table of operations: the C one has none, and allocates as much
# memory as a few bytes ask for.
class _SafeUnpickler(pickle._Unpickler):
    """Runs the operations of plain data only; every name stands for a harmless function."""

    stack: list[Any]
    append: Callable[[Any], None]
    read: Callable[[int], bytes]
    readline: Callable[[], bytes]

    def __init__(self, data: mmap.mmap, size: int) -> None:
        super().__init__(data, encoding="latin1")  # as NumPy asks for pickles of Python 2
        self._allowance = _COPIES * size
        self._blank: dict[int, np.ndarray] = {}
        self._names = self._table()

    def _table(self) -> dict[str, Any]:
        names = {
            "numpy.dtype": _DType,
            "numpy.ndarray": _ARRAY,
            "collections.OrderedDict": self._sized(dict),
            "_codecs.encode": self._encoded,
            "torch._utils._rebuild_tensor_v2": self._tensor,
            "torch.storage._load_from_bytes": tensors.read_storage,
        }
        for core in ("numpy.core", "numpy._core"):
            names[f"{core}.multiarray._reconstruct"] = self._blank_array
            names[f"{core}.multiarray.scalar"] = self._scalar
            names[f"{core}.numeric._frombuffer"] = self._from_buffer
        for module in ("builtins", "__builtin__"):
            names[f"{module}.complex"] = complex
            names[f"{module}.bytes"] = self._bytes(bytes)
            names[f"{module}.bytearray"] = self._bytes(bytearray)
            names |= {f"{module}.{t.__name__}": self._sized(t) for t in (set, frozenset)}
        return names

    def find_class(self, module: str, name: str) -> Any:
        """Return the harmless substitute of a name, never the object of that name."""
        full = f"{module}.{name}"
        if full not in self._names:
            raise Refused(full)
        return self._names[full]

    def _count_bytes(self, size: int) -> None:
        """Count the bytes that are copied, since an honest pickle contains all of them."""
        self._allowance -= size
        if self._allowance < 0:
            raise MienError("refused, since it claims to hold more than the file does")

    def _sized(self, kind: Callable[..., Any]) -> Callable[..., Any]:
        def make(items: Any = ()) -> Any:
            self._count_bytes(len(items))
            check_keys((item[0] for item in items) if kind is dict else items)
            return kind(items)

        return make

    def _bytes(self, kind: Callable[..., Any]) -> Callable[..., Any]:
        def make(content: Any = b"", encoding: str = "latin1") -> Any:
            return kind(self._raw(content))  # an integer would allocate as many zeros

        return make

    def _encoded(self, text: str, encoding: str) -> bytes:
        return self._raw(text)

    def _raw(self, content: Any) -> bytes:
        """Return bytes of the pickle, which are text where its protocol has no bytes."""
        if isinstance(content, str):
            content = content.encode("latin1")
        if not isinstance(content, bytes | bytearray):
            raise MienError(f"has {type(content).__name__} in the place of bytes")
        self._count_bytes(len(content))
        return bytes(content)

    def _blank_array(self, kind: object, shape: object, code: object) -> np.ndarray:
        if kind is not _ARRAY:
            raise Refused("an array of another kind than numpy.ndarray")
        array = np.empty(0, np.int8)
        self._blank[id(array)] = array
        return array

    def _content(self, dtype: Any, shape: Any, data: Any) -> tuple[np.dtype, tuple[int, ...], Any]:
        """Check that an array has as many elements as its shape."""
        if not isinstance(dtype, _DType) or not isinstance(shape, tuple):
            raise MienError("has an array without a shape or a type")
        if not all(type(side) is int and side >= 0 for side in shape):
            plain = all(type(side) in (int, bool) and abs(side) < 2**64 for side in shape)
            what = f"shape {shape}" if plain else "an invalid shape"
            raise MienError(f"has an array of {what}"[:200])
        real, count = dtype.real, math.prod(shape)
        if real.kind == "O" and not isinstance(data, list):
            raise Refused("addresses in the place of objects")
        content = data if real.kind == "O" else self._raw(data)
        if len(content) != count * (1 if real.kind == "O" else real.itemsize):
            raise MienError("has an array with another number of elements than its shape")
        if real.kind == "U" and len(content):
            signs = np.frombuffer(content, np.dtype("u4").newbyteorder(real.byteorder))
            if signs.max() > sys.maxunicode:
                raise MienError("has an array of text with invalid characters")
        self._count_bytes(0 if real.itemsize else count)
        return real, shape, content

    def _scalar(self, dtype: Any, data: Any) -> Any:
        return self._from_buffer(data, dtype, (), "C")[()]

    def _from_buffer(
        self, data: Any, dtype: Any, shape: Any, order: Any, axes: Any = None
    ) -> np.ndarray:
        if isinstance(data, list):
            raise Refused("objects in the memory of an array")
        real, shape, content = self._content(dtype, shape, data)
        array = np.ndarray(shape, real, bytearray(content), order="F" if order == "F" else "C")
        return array if axes is None else array.transpose(axes)

    def _tensor(self, storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> np.ndarray:
        array = tensors.view_tensor(storage, offset, size, stride)
        self._count_bytes(array.nbytes)
        return array

    def load_bytearray8(self) -> None:
        """Read a byte array of no more bytes than the pickle has."""
        size = int.from_bytes(self.read(8), "little")
        self.append(bytearray(self._raw(self.read(size))))

    def load_inst(self) -> None:
        """Refuse an old-style instance, and name it."""
        module, name = self.readline()[:-1], self.readline()[:-1]
        raise Refused(f"{module.decode('latin1')}.{name.decode('latin1')}")

    def load_build(self) -> None:
        """Set the state of a dtype, or of an array that has none yet."""
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, _DType):
            target.build(state)
        elif self._blank.pop(id(target), None) is not None:
            shape, dtype, fortran, data = state[-4:]  # newer pickles have a version before them
            real, shape, content = self._content(dtype, shape, data)
            target.__setstate__((1, shape, real, bool(fortran), content))
        else:
            raise Refused(f"the state of a {type(target).__name__}")

    def load(self) -> Any:
        """Run the pickle to its end."""
        value = super().load()
        if self._blank:
            raise MienError("has an array without content")
        return value


class _Operations(dict[int, Any]):
    """The functions for the operations of plain data; any other operation is refused."""

    def __missing__(self, code: int) -> NoReturn:
        names = {op: name for name, op in vars(pickle).items() if isinstance(op, bytes)}
        raise Refused(f"the operation {names.get(bytes([code]), code)}")


def _checking_keys(operation: bytes, keys: slice) -> Callable[[_SafeUnpickler], None]:
    """Wrap an operation that hashes keys: these are checked on the stack first."""
    original: Callable[[Any], None] = pickle._Unpickler.dispatch[operation[0]]

    def do(guard: _SafeUnpickler) -> None:
        check_keys(guard.stack[keys])
        original(guard)

    return do


_KEY_POSITIONS = {
    pickle.SETITEM: slice(-2, -1),
    pickle.SETITEMS: slice(None, None, 2),
    pickle.DICT: slice(None, None, 2),
    pickle.ADDITEMS: slice(None),
    pickle.FROZENSET: slice(None),
}
_SafeUnpickler.dispatch = _Operations(
    {operation[0]: pickle._Unpickler.dispatch[operation[0]] for operation in _OPERATIONS}
    | {operation[0]: _checking_keys(operation, keys) for operation, keys in _KEY_POSITIONS.items()}
    | {
        pickle.BUILD[0]: _SafeUnpickler.load_build,
        pickle.BYTEARRAY8[0]: _SafeUnpickler.load_bytearray8,
        pickle.INST[0]: _SafeUnpickler.load_inst,
    }
)
