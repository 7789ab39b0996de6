"""How well a network reads pages that were made, and how often it is right when it is so sure."""

import numpy as np

from recognition.digits import detection
from recognition.evaluation import calibration
from recognition.models.litert import Maps
from recognition.synthetic.writing import OTHER, SIDE, UNSURE
from recognition.training.pages.pool import Pool

READABLE = 12  # pixels: height of the digits that are measured
THRESHOLD = 0.4  # confidence from which on a digit counts


def measure(pages: Pool, model: Maps, card: dict) -> np.ndarray:
    """Set calibration, threshold and numbers of the card; return the confusion matrix (10, 10) of the digits found.

    Every second page calibrates, the others measure. A digit is found where the centre of a detection lies in its box;
    what lies in no character's box is false. "calibration_error" is that of the digits that count.
    """
    card["calibration"] = [round(value, 3) for value in calibrate(pages, model)]
    card["threshold"] = THRESHOLD
    matrix, wanted, false, judged = np.zeros((10, 10), int), 0, 0, []
    measured_on = range(1, len(pages), 2)
    for k in measured_on:
        seen, labels, inside = _look(pages, k, model)
        confidence = detection.probabilities(seen.scores, *card["calibration"])
        sure = confidence >= THRESHOLD
        right, counts = _judge(seen, labels, inside)
        judged.append(np.stack([confidence, right])[:, counts & sure])
        seen, inside = seen[sure], inside[sure]
        middle = (labels[:, :2] + labels[:, 2:4]) / 2
        on_page = (middle > 0).all(1) & (middle < SIDE).all(1)
        readable = (labels[:, 4] < 10) & (labels[:, 5] >= READABLE) & on_page
        wanted += np.count_nonzero(readable)
        false += np.count_nonzero(~inside[:, labels[:, 4] != OTHER].any(1))
        for label in np.flatnonzero(readable & inside.any(0)):
            matrix[int(labels[label, 4]), seen.kinds[inside[:, label].argmax()]] += 1
    confidence, right = np.hstack(judged or [np.zeros((2, 0))])
    measured = {
        "test_accuracy": np.trace(matrix) / max(wanted, 1),
        "false_per_page": false / max(len(measured_on), 1),
        "calibration_error": calibration.error(confidence, right) if len(right) else 0,
    }
    card["measured"] = {key: round(float(value), 5) for key, value in measured.items()}
    return matrix


def calibrate(pages: Pool, model: Maps) -> tuple[float, float]:
    """Return slope and offset that make probabilities of the scores of digits, from every second page."""
    scores, right = [], []
    for k in range(0, len(pages), 2):
        seen, labels, inside = _look(pages, k, model)
        same, counts = _judge(seen, labels, inside)
        scores.append(seen.scores[counts])
        right.append(same[counts])
    return calibration.platt(np.concatenate(scores), np.concatenate(right))


def _judge(seen: detection.Detections, labels: np.ndarray, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return of each digit seen whether it is right, and whether it counts: what may be read or not counts if right."""
    right = (inside & (labels[:, 4] == seen.kinds[:, None])).any(1)
    return right, right | ~inside[:, labels[:, 4] == UNSURE].any(1)


def _look(pages: Pool, k: int, model: Maps) -> tuple[detection.Detections, np.ndarray, np.ndarray]:
    """Return the digits seen on a page, its labels, and which digit's centre is inside which label's box, bool."""
    page, labels = pages.read(k)
    seen = detection.detect(page, model.run)
    seen = seen[seen.kinds < detection.DIGITS]
    centres = (seen.boxes[:, None, :2] + seen.boxes[:, None, 2:]) / 2
    return seen, labels, ((labels[:, :2] <= centres) & (centres <= labels[:, 2:4])).all(2)
