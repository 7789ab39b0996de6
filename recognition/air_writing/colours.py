"""Colours of markers: what they are called, how to learn one, and how like one the pixels of a frame are."""

from dataclasses import dataclass

import cv2
import numpy as np

from recognition.settings import UserError

BINS, RANGES = (90, 32, 16), (0, 180, 0, 256, 0, 256)  # of the table over hue, saturation and value


@dataclass(frozen=True)
class Colour:
    """A marker's colour as OpenCV has it: hue 0 to 180 and its spread, saturation and value 0 to 255."""

    hue: float
    saturation: float
    value: float
    spread: float = 6.0


COLOURS = {
    "red": Colour(178, 195, 110),
    "orange": Colour(11, 220, 140, 4),
    "yellow": Colour(27, 200, 140, 5),
    "green": Colour(62, 170, 100, 13),
    "cyan": Colour(93, 190, 110, 6),
    "blue": Colour(110, 190, 100, 8),
    "purple": Colour(138, 150, 100, 9),
    "pink": Colour(165, 160, 140, 7),
}


def hue_difference(hue: np.ndarray | float, other: float) -> np.ndarray | float:
    """Return how far `hue` is past `other` on the circle of hues, -90 to 90."""
    return (hue - other + 90) % 180 - 90


def likeness_table(colour: Colour) -> np.ndarray:
    """Return the likeness to a colour, 0 to 255, float32 BINS: 255 less its distance in spreads, 0 from 3 on."""
    hue, saturation, value = ((np.arange(n) + 0.5) * top / n for n, top in zip(BINS, RANGES[1::2], strict=True))
    h = hue_difference(hue, colour.hue) / colour.spread
    s = np.minimum(saturation - colour.saturation, 0) / (0.17 * colour.saturation)  # purer is as good
    v = np.minimum(value - colour.value, 0) / (0.4 * colour.value)  # brighter is too
    distance = np.sqrt(h[:, None, None] ** 2 + s[:, None] ** 2 + v**2)
    # cv2.Mat: OpenCV takes the last axis of a plain 3-D array for channels
    return cv2.Mat((255 * np.clip(1 - distance / 3, 0, 1)).astype(np.float32), wrap_channels=False)


def likeness(hsv: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Return how like the table's colour each pixel of an HSV image is, uint8 (H, W)."""
    return cv2.calcBackProject([hsv], [0, 1, 2], table, RANGES, 1)


def adapt(colour: Colour, given: Colour, hsv: np.ndarray, rate: float) -> Colour:
    """Return a colour moved by `rate`, 0 to 1, to that of pixels, HSV uint8 (N, 3), but never far from the `given`."""
    hue, saturation, value = hsv.astype(np.float32).T
    hue_spread = hue_difference(hue, colour.hue).std()
    drift = hue_difference(colour.hue + rate * hue_difference(hue, colour.hue).mean(), given.hue)
    saturation = colour.saturation + rate * (saturation.mean() - colour.saturation)
    value = colour.value + rate * (value.mean() - colour.value)
    spread = colour.spread + rate * (max(1.5 * hue_spread, 4.5) - colour.spread)
    return Colour(
        float(given.hue + np.clip(drift, -8, 8)) % 180,
        float(max(saturation, 0.75 * given.saturation)),  # paler, it would be skin or wall
        float(max(value, 0.4 * given.value)),
        float(min(spread, given.spread)),
    )


def colour_of(patch: np.ndarray) -> Colour:
    """Return the colour of a patch of a marker, BGR uint8 (H, W, 3); UserError says why one can't be followed."""
    if not patch.size:
        raise UserError("no colour learned: the place is outside the frame; choose the marker again")
    hue, saturation, value = cv2.cvtColor(patch, cv2.COLOR_BGR2HSV).reshape(-1, 3).astype(np.float32).T
    angle = np.angle(np.exp(2j * np.pi * hue / 180).mean()) * 90 / np.pi  # the mean on the circle of hues
    off = np.abs(hue_difference(hue, angle))
    if np.median(value) < 45:
        raise UserError("no colour learned: it is too dark there; choose a brighter marker, or make light")
    if np.median(saturation) < 70:
        raise UserError("no colour learned: it is grey or too pale there; choose a marker of a strong colour")
    if (off > 12).mean() > 0.2:
        raise UserError("no colour learned: there are several colours; choose a place inside the marker")
    return Colour(angle % 180, *map(float, (np.median(saturation), np.median(value))), float(np.clip(off.std(), 4, 8)))
