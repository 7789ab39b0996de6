"""One digit cut out of a photo, and the models that read one digit at a time."""

from pathlib import Path

import cv2
import numpy as np

from recognition.digits.components import Component, find_components, merge
from recognition.digits.ink import ink_map, polarity, remove_ruling
from recognition.digits.normalisation import SIZE, normalise
from recognition.models import cards, litert, store
from recognition.settings import UserError

SIDE = 1000  # pixels of the longer side of a photo in which one digit is looked for: larger ones are shrunk
CLEAR = 0.6  # polarity from which on one need not look at the paper along the edge
SMALLEST = 8  # pixels; a smaller image has no room for a digit
CUT_OUT = 48  # pixels; a smaller image is too small to tell paper from ink by their size: it was cut out already


def load(name: str, folder: Path = cards.MODELS) -> litert.Model:
    """Return a model in models/ that reads one digit. Raises UserError for one that takes other images."""
    model = store.load(name, folder)
    if isinstance(model, litert.Maps) or model.shape != (SIZE, SIZE, 1):
        path = cards.card_path(name, folder).with_suffix("")
        raise UserError(f"{path} is no model of digits: train one with python digit_recognition/train.py")
    return model


def normalise_photo(frame: np.ndarray) -> np.ndarray:
    """Return the one digit in a BGR photo or scan as MNIST has it, uint8 (28, 28); black if there is no ink."""
    edge = np.concatenate([frame[0], frame[-1], frame[:, 0], frame[:, -1]])
    paper = np.median(edge, 0)
    if max(frame.shape[:2]) < CUT_OUT:
        gray = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        return normalise(255 - gray if paper.mean() > 127 else gray)
    scale = min(1.0, SIDE / max(frame.shape[:2]))
    if scale < 1:
        size = max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale))
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    if min(frame.shape[:2]) < SMALLEST:  # a strip
        return np.zeros((SIZE, SIZE), np.uint8)
    light_on_dark = polarity(frame)
    if abs(light_on_dark) < CLEAR:  # as where a digit fills the picture
        light_on_dark = frame.mean() - paper.mean()
    digit = _find(frame, light_on_dark > 0)
    if digit is None or min(*digit.box[:2], *np.subtract(frame.shape[1::-1], digit.box[2:])) <= 1:
        margin = max(frame.shape[:2]) // 4  # a digit that fills the picture up to its edge
        padded = cv2.copyMakeBorder(frame, *[margin] * 4, cv2.BORDER_CONSTANT, value=paper.tolist())
        digit = _find(padded, light_on_dark > 0) or digit
    return normalise(digit.ink) if digit else np.zeros((SIZE, SIZE), np.uint8)


def _find(frame: np.ndarray, light_on_dark: bool) -> Component | None:
    """Return all ink of a BGR photo but specks."""
    components = find_components(remove_ruling(ink_map(frame, light_on_dark)))
    large = [component for component in components if component.area > 0.1 * max(other.area for other in components)]
    return merge(large) if large else None
