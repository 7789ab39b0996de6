"""Say what live frames show: averaged over time, forgotten at a cut, without flicker between two answers."""

import numpy as np

from recognition.media.frames import Frame
from recognition.media.roi import Box
from recognition.media.scenes import CutDetector
from recognition.objects.classes import known_classes
from recognition.objects.classification import TOP, Classifier, Objects, fit, judge

MEMORY = 0.4  # seconds in which the weight of a frame falls to a third: longer is calmer, and later
MARGIN = 0.15  # by which another answer must lead to be shown at once
PATIENCE = 1.0  # seconds after which it is shown, too, if it stays ahead


class LiveObjects:
    """Classifies frame after frame; `threshold` and `most` as for `classification.classify`, `roi` where to look."""

    def __init__(self, classifier: Classifier, threshold: float, roi: Box | None = None, most: int = TOP):
        self._classifier, self._threshold, self._roi, self._most = classifier, threshold, roi, most
        self._cuts, self._seconds, self._agreed = CutDetector(), 0.0, 0.0
        self._turn = 0  # of the crops that are looked at one after the other
        self._rows: np.ndarray | None = None  # what was seen in each
        self._mean: np.ndarray | None = None
        self._shown: Objects | None = None

    def classify(self, frame: Frame) -> Objects:
        """Return what to show for the next frame: while another answer is only just ahead, what was shown before."""
        x1, y1, x2, y2 = self._roi or (0, 0, frame.image.shape[1], frame.image.shape[0])
        self._take(frame.image[y1:y2, x1:x2], frame.seconds)
        now = judge(self._mean, self._classifier.class_names, self._threshold, self._most)
        ahead = self._shown is not None and now.name != self._shown.name
        if not ahead or self._lead(now) > MARGIN or frame.seconds - self._agreed > PATIENCE:
            self._shown, self._agreed = now, frame.seconds
        return self._shown

    def _take(self, image: np.ndarray, seconds: float) -> None:
        """Average what is seen in a BGR image with what was seen shortly before."""
        first = self._cuts.is_cut(image) or self._mean is None
        if first or not self._classifier.slow:
            self._rows = self._classifier.look(image)
        else:  # one crop after the other: what was seen of the others shortly before still holds
            self._rows[self._turn % len(self._rows)] = self._classifier.look(image, self._turn)[0]
            self._turn += 1
        found = self._classifier.tell(self._rows)
        if first:
            self._mean, self._shown = found, None
        else:
            kept = np.exp(-max(0.0, seconds - self._seconds) / MEMORY)
            self._mean = kept * self._mean + (1 - kept) * found
        self._seconds = seconds

    def _lead(self, now: Objects) -> float:
        """Return how far an answer is ahead of the one shown, 0 to 1."""
        names = known_classes(self._classifier.class_names)
        if now.known and self._shown.known:
            return now.top[0].confidence - float(self._mean[names.index(self._shown.name)])
        over = float(fit(self._mean[None], self._classifier.class_names)[0]) - self._threshold
        room = 1 - self._threshold if over > 0 else self._threshold
        return abs(over) / max(room, 1e-6)
