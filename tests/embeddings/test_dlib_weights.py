"""The reader of dlib's own file, compared with an independent writer of the same format."""

import math
import struct
from pathlib import Path

import numpy as np
import pytest

from recognition.downloads import dlib_file
from recognition.embeddings import dlib_embedder, dlib_weights
from recognition.embeddings.dlib_weights import Reader


@pytest.fixture(scope="module")
def source() -> Path:
    """Return dlib's own file."""
    return Path(dlib_file(dlib_embedder.DESCRIPTOR))


def integer(value: int) -> bytes:
    """Write an integer as dlib/serialize.h does: the sign and the number of bytes first."""
    size = max(1, -(-abs(value).bit_length() // 8))
    return bytes([size | (0x80 if value < 0 else 0)]) + struct.pack("<Q", abs(value))[:size]


def real(value: float, digits: int = 24) -> bytes:
    """Write a real number as dlib/float_details.h does; 24 digits of a float, 53 of a double."""
    if not math.isfinite(value):
        return integer(0) + integer({math.inf: 32000, -math.inf: 32001}.get(value, 32002))
    mantissa, exponent = math.frexp(value)
    mantissa, exponent = int(mantissa * 2**digits), exponent - digits
    for _ in range(8):
        if mantissa & 0xFF == 0:
            mantissa, exponent = mantissa >> 8, exponent + 8
    return integer(mantissa) + integer(exponent)


@pytest.mark.parametrize("value", [0, 1, -1, 255, 256, -256, 2**31, -(2**31), 2**63 - 1, -(2**63)])
def test_integers_are_read_back(value):
    assert Reader(integer(value)).integer() == value


def test_bytes_worked_out_by_hand_are_read():
    assert Reader(bytes([0x82, 0x2C, 0x01])).integer() == -300
    assert Reader(bytes([0x01, 0x03, 0x81, 0x02])).real() == 0.75  # 3 * 2 ** -2
    assert Reader(bytes([0x01, 0x03]) + b"abcd").text() == "abc"


FLOATS = [0.0, 1.0, -1.5, 0.04, 122.782, 1e-30, 1.1754944e-38, 1e-40, 1e-45, 3.4028235e38, math.inf, -math.inf]


@pytest.mark.parametrize("value", [*(float(np.float32(value)) for value in FLOATS), -0.0])
def test_reals_are_read_back(value):
    assert Reader(real(value)).real() == value


@pytest.mark.parametrize("value", [math.pi, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308])
def test_doubles_are_read_back(value):
    assert Reader(real(value, 53)).real() == value


def test_no_number_is_read_as_that():
    assert math.isnan(Reader(real(math.nan)).real())


def test_tensors_are_read_back():
    numbers = np.random.default_rng(0).standard_normal((2, 3, 4, 5)).astype("<f4")
    written = b"".join(map(integer, (2, *numbers.shape))) + numbers.tobytes()
    reader = Reader(written + b"1")
    assert np.array_equal(reader.tensor(), numbers) and reader.flag() and reader.rest() == 0
    for length in range(len(written)):
        with pytest.raises(ValueError):
            Reader(written[:length]).tensor()


@pytest.mark.parametrize(
    ("method", "damaged"),
    [
        ("integer", b""),
        ("integer", b"\x00"),
        ("integer", b"\x09" + bytes(9)),
        ("integer", b"\x02\x01"),
        ("real", b"0.75 "),  # how dlib wrote in 2010
        ("real", integer(1) + integer(31999)),
        ("text", integer(-1) + b"abc"),
        ("text", integer(2**62) + b"abc"),
        ("text", integer(1) + b"\xff"),
        ("flag", b"\x01"),
        ("tensor", integer(1) + bytes(40)),
        ("tensor", b"".join(map(integer, (2, -1, 1, 1, -1))) + bytes(40)),
        ("tensor", b"".join(map(integer, (2, 2**40, 2**40, 1, 1))) + bytes(40)),
    ],
)
def test_what_is_no_value_is_refused(method, damaged):
    with pytest.raises(ValueError):
        getattr(Reader(damaged), method)()


def test_the_layers_are_those_of_the_network(source):
    found = dlib_weights.read(source)
    kinds = [layer.kind for layer in found]
    assert kinds.count("con_4") == kinds.count("affine_") == 29
    assert np.array_equal(found[0].weights[0], np.float32((122.782, 117.001, 104.298)))
    assert found[1].settings == (32, 7, 7, 2, 2, 0, 0)  # filters, window, step, border
    assert found[-1].kind == "fc_2" and found[-1].weights[0].shape == (256, 128)


def test_a_truncated_file_is_refused(source, tmp_path):
    whole = source.read_bytes()
    places = [0, 1, 5, 30, 280, 400, 50_000, len(whole) // 2, len(whole) - 1]
    for place in places:
        with pytest.raises(ValueError, match="byte"):
            dlib_weights.layers(whole[:place])
    with pytest.raises(ValueError, match="1 bytes too many"):
        dlib_weights.layers(whole + b"0")


def test_an_altered_file_is_refused_or_read(source):
    whole = bytearray(source.read_bytes())
    random, refused = np.random.default_rng(0), 0
    for place in random.integers(0, 400, 40):
        altered = whole.copy()
        altered[place] ^= 1 << random.integers(8)
        try:
            dlib_weights.layers(bytes(altered))
        except ValueError:
            refused += 1
    assert refused > 20
