"""Read the numbers of live frames: fast enough for a webcam, steady enough to look at."""

from itertools import chain

import cv2
import numpy as np

from recognition.digits.detection import detect
from recognition.digits.numbers import Digit, Number, Sign, lines_of
from recognition.digits.reader import characters
from recognition.media.roi import Box
from recognition.media.scenes import CutDetector
from recognition.media.tracking import Tracker
from recognition.models import litert

AREA = 154_000, 230_000  # pixels looked at, at least and at most: half of a frame's, so of 1280x720 a quarter
STEP = 2.0  # from one scale to the next: frame after frame votes as well


class LiveReader:
    """Reads frame after frame; `model` and `threshold` are those of `reader.read_page`, `roi` is where to look."""

    def __init__(self, model: litert.Maps, threshold: float, roi: Box | None = None):
        self._model, self._threshold, self._roi = model, threshold, roi
        self._tracker, self._cuts = Tracker(), CutDetector()

    def read(self, frame: np.ndarray) -> list[list[Number]]:
        """Return the numbers to show for the next BGR frame, in lines, boxes in the frame's pixels."""
        x1, y1, x2, y2 = self._roi or (0, 0, frame.shape[1], frame.shape[0])
        gray = cv2.cvtColor(frame[y1:y2, x1:x2], cv2.COLOR_BGR2GRAY)
        seen = detect(gray, self._model.run, int(np.clip(gray.size / 2, *AREA)), STEP)
        found = [*chain(*characters(seen, self._model.card, self._threshold))]
        boxes = np.array([x1, y1, x1, y1]) + np.reshape([one.box for one in found], (-1, 4))
        labels = [(one.digit, one.printed) if isinstance(one, Digit) else (one.sign, False) for one in found]
        digits, signs = [], []
        sure, cut = [one.confidence for one in found], self._cuts.is_cut(gray)
        for track in self._tracker.update(boxes, labels, sure, cut):
            box = tuple(np.rint(track.box).astype(int).tolist())
            inside = x1 <= box[0] < box[2] <= x2 and y1 <= box[1] < box[3] <= y2
            if not inside and track.missed:
                continue  # it is leaving
            box = tuple(np.clip(box, (x1, y1, x1, y1), (x2, y2, x2, y2)).tolist())
            (character, printed), confidence = track.label, round(track.confidence, 4)
            if isinstance(character, int):
                digits.append(Digit(character, confidence, box, printed))
            else:
                signs.append(Sign(character, confidence, box))
        return lines_of(digits, signs)
