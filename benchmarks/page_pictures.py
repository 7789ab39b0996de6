"""Pictures for benchmarks/digit_pages.py: others changed as cameras and people do, tight crops, hostile ones."""

from collections.abc import Callable

import cv2
import numpy as np
import surfaces

SIZES = 28, 48, 80, 130, 200  # pixels: heights of digits in tight crops


def _blur(frame: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(frame, (0, 0), max(0.8, 1.5 * max(frame.shape[:2]) / 1000))


def _jpeg(frame: np.ndarray) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR)


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # of BGR frames
    "turned 90°": lambda frame: np.ascontiguousarray(np.rot90(frame, -1)),
    "180°": lambda frame: np.ascontiguousarray(np.rot90(frame, 2)),
    "270°": lambda frame: np.ascontiguousarray(np.rot90(frame)),
    "half as large": lambda frame: cv2.resize(frame, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "twice as large": lambda frame: cv2.resize(frame, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC),
    "darker": lambda frame: np.rint(0.4 * frame).astype(np.uint8),
    "blurred": _blur,
    "JPEG 30": _jpeg,
}


def crop(digit: np.ndarray, size: int, margin: float) -> np.ndarray:
    """Return a digit, 28x28 white on black, cut out along its ink, `size` pixels high, black on white.

    `margin`: paper left around it, as a share of its longer side.
    """
    x, y, width, height = cv2.boundingRect((digit > 100).astype(np.uint8))
    ink = digit[y : y + height, x : x + width]
    ink = cv2.resize(ink, (max(1, round(width * size / height)), size), interpolation=cv2.INTER_CUBIC)
    around = round(margin * max(ink.shape))
    return 255 - cv2.copyMakeBorder(ink, *[around] * 4, cv2.BORDER_CONSTANT, value=0)


def texture(rng: np.random.Generator) -> np.ndarray:
    """Return 12 megapixels of wood, marble, bricks, cloth, gravel and grass, BGR."""
    return np.vstack([np.hstack([surfaces.draw(rng) for _ in range(16)]) for _ in range(12)])


def many_digits(digits: np.ndarray) -> np.ndarray:
    """Return a page of 100 x 100 digits, gray uint8 (4000, 4000); `digits`: at least 10,000, 28x28 white on black."""
    cells = np.pad(digits[:10_000], ((0, 0), (6, 6), (6, 6)))
    return 255 - cells.reshape(100, 100, 40, 40).swapaxes(1, 2).reshape(4000, 4000)


def strip(digits: np.ndarray) -> np.ndarray:
    """Return a strip of 750 digits, gray uint8 (40, 30000)."""
    return 255 - np.hstack(np.pad(digits[:750], ((0, 0), (6, 6), (6, 6))))


def larger_than_the_picture(digit: np.ndarray) -> np.ndarray:
    """Return the middle of a digit that is twice as high and wide as the picture, gray uint8 (3000, 4000)."""
    large = cv2.resize(digit, (8000, 8000), interpolation=cv2.INTER_CUBIC)
    return 255 - large[2500:5500, 2000:6000]
