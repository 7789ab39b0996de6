"""Arrays read out of the bytes of an .onnx file, which these tests put together by hand."""

import numpy as np
import pytest

from recognition.models import onnx_weights


def integer(value: int) -> bytes:
    """Return an integer as the format has it: seven bits a byte, the lowest first."""
    return bytes([value & 127 | 128]) + integer(value >> 7) if value > 127 else bytes([value])


def field(number: int, value: int | bytes) -> bytes:
    """Return a field with an integer or bytes in it."""
    if isinstance(value, int):
        return integer(number << 3) + integer(value)
    return integer(number << 3 | 2) + integer(len(value)) + value


def model(*arrays: bytes, extra: bytes = b"") -> bytes:
    """Return a file: its version, a graph with a name and these arrays, and what comes behind it."""
    graph = field(2, b"a graph") + b"".join(field(5, array) for array in arrays)
    return field(1, 6) + field(7, graph) + extra


ROW = field(1, 200) + field(2, 1) + field(8, b"row") + field(9, np.arange(200, dtype="<f4").tobytes())
SIDES = field(1, integer(2) + integer(3))
WHOLE = field(1, 2) + field(2, 7) + field(8, b"whole numbers") + field(9, bytes(16))
GRID = SIDES + field(2, 1) + field(8, b"grid") + field(4, np.arange(6, dtype="<f4").tobytes())


def test_arrays_are_read_in_each_of_the_ways_to_write_them():
    unknown = field(3, 5) + integer(4 << 3 | 5) + bytes(4) + integer(5 << 3 | 1) + bytes(8)
    found = onnx_weights.read(model(ROW, WHOLE, GRID, extra=unknown))
    assert list(found) == ["row", "grid"]
    assert np.array_equal(found["row"], np.arange(200)) and found["row"].dtype == np.float32
    assert np.array_equal(found["grid"], np.arange(6).reshape(2, 3))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a model of any kind",
        model(ROW)[:-9],
        model(field(1, 2) + field(2, 6) + field(8, b"short integers") + field(9, bytes(8))),
        model(field(1, 3) + field(2, 1) + field(8, b"too few") + field(9, bytes(8))),
        model(field(1, 3) + field(2, 1) + field(8, b"none")),
        model(ROW) + b"\xff" * 11,
        model(ROW, extra=integer(3 << 3 | 3)),
        field(7, 5),
        model(GRID + field(8, 2**40)),
        model(SIDES + field(2, 1) + field(9, 24)),
        field(7, field(5, 5)),
    ],
)
def test_what_is_no_model_is_refused(content):
    with pytest.raises(ValueError):
        onnx_weights.read(content)
