"""Bring one digit to the form of MNIST, whether it was found in a photo or written as strokes."""

import cv2
import numpy as np

SIZE, BOX = 28, 20  # MNIST: 28x28 pixels, the digit's longer side 20, its centre of mass in the middle
PREPROCESSING = 1  # version of `normalise`: raise it when models trained with the old one no longer fit


def normalise(ink: np.ndarray) -> np.ndarray:
    """Return one digit as MNIST has it, uint8 (28, 28), white on black.

    `ink`: (h, w), uint8 0-255 or float 0-1, bright ink on black. The longer side of the inked box becomes 20 pixels,
    strokes thinner than a pen's become as thick, and the centre of mass goes to the middle of the 28x28 image.
    """
    ink = ink.astype(np.float32) / (255 if ink.dtype == np.uint8 else 1)
    x, y, width, height = cv2.boundingRect((ink > 0.25).astype(np.uint8))
    if width == 0:
        return np.zeros((SIZE, SIZE), np.uint8)
    ink = ink[y : y + height, x : x + width]
    side = max(width, height)
    if side > 8 * BOX:  # larger shapes only cost time
        shape = [max(1, round(8 * BOX * length / side)) for length in (width, height)]
        ink = cv2.resize(ink, shape, interpolation=cv2.INTER_AREA)
        side = 8 * BOX
    thickness = stroke_thickness(ink > 0.5) * BOX / side
    missing = (1.9 - thickness) * side / BOX  # MNIST's strokes are about two of its pixels thick
    if thickness and missing >= 1:
        margin = round(missing)
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (margin + 1, margin + 1))
        ink = cv2.dilate(cv2.copyMakeBorder(ink, *[margin] * 4, cv2.BORDER_CONSTANT), kernel)
        side += margin
    scale = BOX / side
    shape = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
    small = cv2.resize(ink, shape, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    small = np.clip(small, 0, 1)
    moments = cv2.moments(small)
    if moments["m00"] == 0:
        return np.zeros((SIZE, SIZE), np.uint8)
    centre = np.array([moments["m10"], moments["m01"]]) / moments["m00"]
    shift = np.float32([[1, 0, SIZE / 2 - centre[0]], [0, 1, SIZE / 2 - centre[1]]])
    return (cv2.warpAffine(small, shift, (SIZE, SIZE)) * 255).round().astype(np.uint8)


def stroke_thickness(mask: np.ndarray) -> float:
    """Return the mean thickness in pixels of the strokes in a boolean mask (h, w): twice area over outline."""
    mask = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    outline = np.count_nonzero(mask[1:] != mask[:-1]) + np.count_nonzero(mask[:, 1:] != mask[:, :-1])
    return 2 * np.count_nonzero(mask) / max(0.85 * outline, 1)  # slanted edges have more pixel sides than length


def draw_strokes(strokes: list[np.ndarray], size: int = 28, box: int = 20, thickness: float = 2.2) -> np.ndarray:
    """Return the strokes drawn white on black, uint8 (size, size), their longer side filling `box` pixels."""
    scale = 4  # drawn large and shrunk: smooth edges and fractions of a pixel of thickness
    points = np.concatenate(strokes)
    low, high = points.min(0), points.max(0)
    extent = max((high - low).max(), 1e-6)
    canvas = np.zeros((size * scale, size * scale), np.uint8)
    for stroke in strokes:
        placed = ((stroke - (low + high) / 2) / extent * (box - thickness) + size / 2) * scale
        pixels = np.round(placed * 16).astype(np.int32)
        cv2.polylines(canvas, [pixels], False, 255, max(1, round(thickness * scale)), cv2.LINE_AA, shift=4)
    return cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
