"""Read the trained numbers out of a .pth file of PyTorch, without PyTorch, and without running what is in it.

The format is the one that `torch.save` wrote up to version 1.5: five pickles, of which the fourth names the arrays and
the fifth lists their storages, then these, each a count and that many numbers. A pickle may call whatever it names, so
here it may name four things alone, and what they make is ours.
"""

import io
import math
import pickle
import struct
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
KINDS = {"FloatStorage": "<f4", "LongStorage": "<i8"}
MOST = 100_000_000  # numbers in an array: what claims more is no network of ours


@dataclass(frozen=True)
class _Storage:
    """Where an array's numbers lie: the storage's name in the file, its kind and how many it holds."""

    key: str
    kind: str
    count: int


@dataclass(frozen=True)
class _Array:
    """An array before its numbers were read: where they begin in a storage, and how far apart they lie."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuilt(storage: _Storage, offset: int, shape: tuple, strides: tuple, *_: object) -> _Array:
    """Stand in for torch._utils._rebuild_tensor_v2; raise ValueError for an array that reaches beyond its storage."""
    numbers = (offset, *shape, *strides)
    whole = isinstance(storage, _Storage) and all(isinstance(one, int) and one >= 0 for one in numbers)
    if not whole or len(shape) != len(strides) or math.prod(shape) > storage.count:
        raise ValueError("an array that its storage does not hold")
    if offset + sum((side - 1) * step for side, step in zip(shape, strides, strict=True)) >= storage.count:
        raise ValueError("an array that reaches beyond its storage")
    return _Array(storage, offset, tuple(shape), tuple(strides))


class _Unpickler(pickle.Unpickler):
    """An unpickler that knows the four names that arrays need, and refuses all others."""

    NAMES = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): _rebuilt,
    } | {("torch", kind): kind for kind in KINDS}  # fmt: skip

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in self.NAMES:
            raise ValueError(f"it wants to call {module}.{name}".encode("unicode_escape").decode()[:150])
        return self.NAMES[module, name]

    def persistent_load(self, told: object) -> _Storage:
        what, name, key, _, count, view = told
        if what != "storage" or name not in KINDS or not isinstance(count, int) or not 0 <= count <= MOST or view:
            raise ValueError("an array of another kind")
        return _Storage(str(key), name, count)


def read(content: bytes) -> dict[str, np.ndarray]:
    """Return the arrays of a .pth file, float32 or int64, by their names; they lie in the bytes read.

    Raises ValueError for a file of another form, and for one whose pickles name anything but arrays.
    """
    file = io.BytesIO(content)
    try:
        if [_load(file), _load(file)] != [MAGIC, PROTOCOL]:
            raise ValueError("no .pth file, or of a later form")
        _load(file)  # the machine that it was written on: little-endian in all that PyTorch runs on
        named, keys = _load(file), _load(file)
        if not isinstance(named, dict) or not all(isinstance(one, _Array) for one in named.values()):
            raise ValueError("something else than arrays")
        storages = {one.storage.key: one.storage for one in named.values()}
        numbers = {key: _numbers(content, file, storages[key]) for key in keys}
        return {str(name): _array(one, numbers[one.storage.key]) for name, one in named.items()}
    except ValueError:
        raise
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise ValueError(f"damaged ({type(error).__name__})") from error


def _load(file: io.BytesIO) -> object:
    return _Unpickler(file).load()


def _numbers(content: bytes, file: io.BytesIO, storage: _Storage) -> np.ndarray:
    """Return the numbers of the storage that comes next in the file."""
    (count,) = struct.unpack("<q", file.read(8))
    if count != storage.count:
        raise ValueError(f"{count} numbers where {storage.count} were announced")
    found = np.frombuffer(content, KINDS[storage.kind], count, file.tell())
    file.seek(found.nbytes, io.SEEK_CUR)
    return found


def _array(one: _Array, numbers: np.ndarray) -> np.ndarray:
    steps = [numbers.itemsize * step for step in one.strides]
    return np.lib.stride_tricks.as_strided(numbers[one.offset :], one.shape, steps, writeable=False)
