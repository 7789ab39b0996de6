"""Read the numbers of a photo, whatever else stands on it and whichever way it was held.

Three steps, each a function: `detect` (which characters are where, by the network of pages), `upright` (which way is
up), `lines_of` (what stands together is a number, what is level a line). Instead of the last two, a picture that one
character fills is read by the network of one digit as well, `cut_out`.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from recognition.digits import crops
from recognition.digits.detection import AREA, DIGITS, ENLARGED, OTHER, Detections, detect, probabilities
from recognition.digits.numbers import Digit, Number, Sign, lines_of
from recognition.models import cards, litert, store
from recognition.settings import UserError

SIGNS = ".,-:/"  # kinds 10 to 14
SIGN_SCORE = 0.45  # of a sign that counts
PRINTED = 0.9  # from which on a digit is called printed: careful hands look like print
SEEN, SURE = 0.4, 0.6  # score from which on a digit speaks for the way up; and where upside down there are digits, too
FEW = 0.3  # evidence below which a picture may lie on its side
WORDS = 0.05, 0.4  # share of digits below which a picture turned on its side, upside down, is a page of words
COARSE = 2**0.5  # from one scale to the next when a picture is tried turned
CLEAR, FLIPPED = 20, 125_000  # pixels: height of digits when a picture is tried upside down; and how many at least
ONE = "digits"  # model that reads one digit
FILLED, SMALL = 0.5, 256  # share of a side that one character fills; pixels of a picture in which none is seen


def load(name: str = "pages", folder: Path = cards.MODELS) -> litert.Maps:
    """Return a model in models/ that reads pages. Raises UserError for one that takes other images."""
    model = store.load(name, folder)
    if not isinstance(model, litert.Maps):
        path = cards.card_path(name, folder).with_suffix("")
        how = "use --model pages, or train one with python digit_recognition/train.py --architecture pages"
        raise UserError(f"{path} does not read pages: {how}")
    return model


def read_page(
    frame: np.ndarray, model: litert.Maps, threshold: float, handwritten: bool = False, drawn: bool = False
) -> tuple[list[list[Number]], int]:
    """Return the numbers of a BGR or gray image, in lines as they are read, boxes in the image's pixels; and by how
    many degrees, 0, 90, 180 or 270, it has to be turned clockwise to be upright.

    `threshold`: the least confidence of a digit. `handwritten`: leave printed digits out. `drawn`: the image is a
    drawing for digits alone, upright: strokes beside each other are ones then, no tally.
    """
    gray = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) if frame.ndim == 3 else frame
    found = detect(gray, (lambda image: digits_alone(model.run(image))) if drawn else model.run)
    if one_fills(found, gray.shape):
        digits, _ = characters(found, model.card, threshold, handwritten)
        if not (handwritten and (found.printed[:1] > PRINTED).any()):
            digits = cut_out(frame, found, digits, threshold)
        return lines_of(digits), 0
    found, turn = (found, 0) if drawn else upright(found, gray, model.run)
    lines = lines_of(*characters(found, model.card, threshold, handwritten))
    size = gray.shape[::-1] if turn % 2 == 0 else gray.shape
    return [[_turned_back(number, turn, size) for number in line] for line in lines], 90 * turn


def digits_alone(maps: np.ndarray) -> np.ndarray:
    """Return what the network of pages says, see `detect`, where digits get the heat of what is no digit or sign."""
    digits, maps = maps[..., :DIGITS], maps.copy()
    maps[..., :DIGITS] *= (1 + maps[..., OTHER] / (digits.sum(-1) + 0.01))[..., None]
    maps[..., OTHER] = 0
    return maps


def one_fills(found: Detections, shape: tuple[int, int]) -> bool:
    """Tell whether a picture, of a shape (H, W), with these characters is of one character and little paper."""
    boxes = found.boxes[found.scores > SEEN]
    if not len(boxes):
        return max(shape) <= SMALL
    (x1, y1, x2, y2), (height, width) = boxes[0], shape
    return len(boxes) == 1 and max((x2 - x1) / width, (y2 - y1) / height) > FILLED


def cut_out(frame: np.ndarray, found: Detections, digits: list[Digit], threshold: float) -> list[Digit]:
    """Return the digits of a picture of one character, or the one that the network of one digit is surer of.

    `frame`: BGR or gray; `found`: what is seen in it, of which `digits` are believed and stay without models/digits.*
    """
    if (model := _of_one_digit()) is None:
        return digits
    frame = frame if frame.ndim == 3 else cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR)
    sure = model.predict(crops.normalise_photo(frame)[None])[0]
    kind, others = int(sure.argmax()), found.scores[found.kinds == OTHER]
    least = max(threshold, model.card["threshold"], *others, *(digit.confidence for digit in digits))
    if kind >= DIGITS or sure[kind] < least:
        return digits
    box = digits[0].box if digits else (0, 0, *frame.shape[1::-1])
    return [Digit(kind, round(float(sure[kind]), 4), box)]


@cache
def _of_one_digit() -> litert.Model | None:
    try:
        return crops.load(ONE)
    except UserError:
        return None


def upright(found: Detections, gray: np.ndarray, run: Callable[[np.ndarray], np.ndarray]) -> tuple[Detections, int]:
    """Return the characters of a gray image, turned to where most digits are seen, and by how many quarter turns.

    `found`: those of the image as it is.
    Digits on their side are none to the network, upside down some are: where there are digits, only that is tried.
    Where there are none but many other characters, a few digits are not believed: words upside down have some.
    """
    digits = (found.kinds < DIGITS) & (found.scores > SEEN)
    heights = (found.boxes[digits, 3] - found.boxes[digits, 1]) if digits.any() else np.array([np.inf])
    area = max(gray.size * (CLEAR / np.median(heights)) ** 2, FLIPPED) if evidence(found) > FEW else ENLARGED
    most = evidence(found)
    others = {
        turn: detect(turned(gray, turn), run, int(min(area, AREA)), COARSE)
        for turn in ((2,) if most > FEW else (1, 2, 3))
    }
    turn, seen = max(others.items(), key=lambda other: evidence(other[1]))
    if evidence(seen) > 0.6 * most + 0.15:  # as likely, with fewer scales looked at
        seen = detect(turned(gray, turn), run)
        sure = seen.kinds[seen.scores > SEEN] < DIGITS
        if most > FEW:
            better = evidence(seen, SURE) > 1.2 * evidence(found, SURE) + 0.15
        else:
            better = evidence(seen) > 1.2 * most + 0.15 and sure.mean() > WORDS[turn == 2]
        if better:
            return seen, turn
    return found, 0


def turned(image: np.ndarray, turns: int) -> np.ndarray:
    """Return an image after so many quarter turns clockwise."""
    return np.ascontiguousarray(np.rot90(image, -turns))


def evidence(found: Detections, least: float = SEEN) -> float:
    """Return how much speaks for digits: the sum of what their scores have over `least`."""
    return float(np.maximum(found.scores[found.kinds < DIGITS] - least, 0).sum())


def characters(
    found: Detections, card: dict, threshold: float, handwritten: bool = False
) -> tuple[list[Digit], list[Sign]]:
    """Return the digits and signs among what was found by the model of a card."""
    digits, signs = [], []
    boxes, surely = np.rint(found.boxes).astype(int).tolist(), found.printed > PRINTED
    right = probabilities(found.scores, *card.get("calibration", (1, 0)))
    for kind, score, sure, box, printed in zip(found.kinds, found.scores, right, boxes, surely, strict=True):
        if kind < DIGITS and sure >= threshold and not (handwritten and printed):
            digits.append(Digit(int(kind), round(float(sure), 4), tuple(box), bool(printed)))
        elif DIGITS <= kind < DIGITS + len(SIGNS) and score >= SIGN_SCORE:
            signs.append(Sign(SIGNS[kind - DIGITS], round(float(score), 4), tuple(box)))
    return digits, signs


def turn_box(box: tuple[int, int, int, int], turns: int, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return a box after so many quarter turns anticlockwise of an image; `size`: its width and height before."""
    x1, y1, x2, y2 = box
    width, height = size
    for _ in range(turns):
        x1, y1, x2, y2 = y1, width - x2, y2, width - x1
        width, height = height, width
    return x1, y1, x2, y2


def _turned_back(number: Number, turns: int, size: tuple[int, int]) -> Number:
    digits = [replace(digit, box=turn_box(digit.box, turns, size)) for digit in number.digits]
    return replace(number, box=turn_box(number.box, turns, size), digits=digits)
