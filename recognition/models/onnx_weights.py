"""Read the trained numbers out of an .onnx file, without the package of that name.

The format is that of onnx/onnx.proto: a message is a row of fields, each a number that tells which field follows and
how it is written, then its value. Of a model only the graph is read, and of that the arrays with their names.
"""

from collections.abc import Iterator

import numpy as np

GRAPH, ARRAY = 7, 5  # numbers of fields: of a model, of its graph
SHAPE, KIND, FLOATS, NAME, RAW = 1, 2, 4, 8, 9  # and of an array
FLOAT, INTEGER = 1, 7  # kinds of arrays: float32, int64
NUMBER, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5  # how a field is written


def read(content: bytes) -> dict[str, np.ndarray]:
    """Return the float32 arrays of an .onnx file by their names, without those of integers; raise ValueError for a file
    of another form."""
    graphs = [value for number, value in _fields(memoryview(content)) if number == GRAPH]
    if len(graphs) != 1:
        raise ValueError("no model in the form of ONNX")
    arrays = [_array(value) for number, value in _fields(_bytes(graphs[0])) if number == ARRAY]
    return dict(array for array in arrays if array)


def _bytes(value: int | memoryview) -> memoryview:
    """Return the value of a field that holds bytes."""
    if isinstance(value, int):
        raise ValueError("a number where bytes belong")
    return value


def _array(message: int | memoryview) -> tuple[str, np.ndarray] | None:
    """Return the name and the numbers of an array; None for one of integers."""
    found = {number: value for number, value in _fields(_bytes(message)) if number != SHAPE}
    shape = []
    for number, value in _fields(message):
        if number == SHAPE:
            shape += [value] if isinstance(value, int) else _integers(value)
    name = bytes(_bytes(found.get(NAME, memoryview(b"")))).decode("utf-8")
    if found.get(KIND) == INTEGER:
        return None
    if found.get(KIND) != FLOAT or (RAW not in found and FLOATS not in found):
        raise ValueError(f"array {name} holds no 32-bit floats")
    return name, np.frombuffer(_bytes(found.get(RAW, found.get(FLOATS))), "<f4").reshape(shape)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the fields of a message: the number of each, and its value, an integer or bytes."""
    place = 0
    while place < len(message):
        key, place = _integer(message, place)
        number, written = key >> 3, key & 7
        if written == NUMBER:
            value, place = _integer(message, place)
        elif written in (EIGHT_BYTES, LENGTH, FOUR_BYTES):
            size = 8 if written == EIGHT_BYTES else 4
            if written == LENGTH:
                size, place = _integer(message, place)
            value, place = message[place : place + size], place + size
            if place > len(message):
                raise ValueError("a field reaches beyond the end")
        else:
            raise ValueError(f"no field is written as {written}")
        yield number, value


def _integers(message: memoryview) -> list[int]:
    place, found = 0, []
    while place < len(message):
        value, place = _integer(message, place)
        found.append(value)
    return found


def _integer(message: memoryview, place: int) -> tuple[int, int]:
    """Return the integer at a place, seven bits a byte, the lowest first, and the place behind it."""
    value = 0
    for k in range(10):
        if place + k >= len(message):
            break
        value |= (message[place + k] & 127) << 7 * k
        if message[place + k] < 128:
            return value, place + k + 1
    raise ValueError(f"no integer at byte {place}")
