"""Follow the tip of the index finger with the landmarks of MediaPipe's hand model; a pointing finger writes.

Landmarks are float (21, 2), in pixels, or (21, 3), in metres: the wrist, then four joints each of thumb, index, middle,
ring and little finger, from the palm to the tip.
"""

from pathlib import Path

import numpy as np

from recognition.air_writing import hands
from recognition.air_writing.pen import Tip
from recognition.downloads import fetch
from recognition.files import PUBLISHED

MODEL = PUBLISHED / "hand_landmarker.task"
URL = "https://storage.googleapis.com/mediapipe-models/hand_landmarker/hand_landmarker/float16/1/hand_landmarker.task"
SHA256 = {
    "fbc2a30080c3c557093b5ddfc334698132eb341044ccee322ccf8bcf3607cde1",  # as published
    "2e5dc052dba90af8af060d3936cbb9047aaf8166eb8ef39d0bbc947681967261",  # the same networks, from MediaPipe's own wheel
}
WRIST, THUMB_TIP, MIDDLE_KNUCKLE = 0, 4, 9
INDEX, MIDDLE, RING, LITTLE = (slice(k, k + 4) for k in (5, 9, 13, 17))
CONFIDENCE = 0.3  # that there is a hand; MediaPipe proposes 0.5; lower, hands that motion blurs are held on to
LOYALTY = 0.5  # seconds that a hand out of sight, or one that does not write, is preferred to another
REACH = 0.2  # of the frame's width, how far a hand goes between two looks at it


def fetch_model(path: Path = MODEL) -> Path:
    """Return the path of the hand model, downloaded once."""
    return fetch(path, URL, SHA256, "or follow a coloured marker instead: --tracker marker")


def straightness(finger: np.ndarray) -> float:
    """Return how straight a finger is, float (4, 3) joints: knuckle to tip over the way along the bones, 0 to 1."""
    bones = np.linalg.norm(np.diff(finger, axis=0), axis=1).sum()
    return float(np.linalg.norm(finger[-1] - finger[0]) / max(bones, 1e-9))


def writes(landmarks: np.ndarray, wrote: bool = False) -> bool:
    """Tell whether a hand writes, in whatever direction: index finger straight, no pinch, not all fingers straight.

    A hand that wrote before goes on till the gesture is clearly another one, so that the pen does not flicker.
    """
    slack = 1 if wrote else 0
    size = np.linalg.norm(landmarks[MIDDLE_KNUCKLE] - landmarks[WRIST])
    pinch = np.linalg.norm(landmarks[THUMB_TIP] - landmarks[INDEX][-1]) < (0.35 - 0.1 * slack) * size
    pointing = straightness(landmarks[INDEX]) > 0.88 - 0.1 * slack
    others = min(straightness(landmarks[finger]) for finger in (MIDDLE, RING, LITTLE))
    return bool(pointing and not pinch and others < 0.88 + 0.05 * slack)


def steady(last: np.ndarray | None, now: np.ndarray, width: int) -> np.ndarray:
    """Return a position, float (2,), drawn to the last one if it hardly moved: trembling goes, speed stays."""
    if last is None:
        return now
    moved = np.linalg.norm(now - last) / (0.01 * width)
    return last + min(1.0, 0.15 + moved) * (now - last)


class FingertipTracker:
    """Follows the hand that writes, of up to two; close it, or use it in a with statement."""

    def __init__(self, model: Path):
        """`model`: the file of `fetch_model`; UserError where it is missing or holds something else."""
        self._hands: hands.HandTracker | None = hands.HandTracker(model, 2, CONFIDENCE)
        self._palm: np.ndarray | None = None  # of the hand followed, where it was last seen
        self._tip: np.ndarray | None = None
        self._writing, self._seen, self._wrote = False, 0.0, 0.0

    def close(self) -> None:
        """Let go of the networks; what is tracked after that raises an error."""
        self._hands = None

    def __enter__(self) -> "FingertipTracker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def track(self, frame: np.ndarray, seconds: float) -> Tip | None:
        """Return where the index fingertip is in a BGR frame, uint8 (H, W, 3), or None; `seconds` rise."""
        found = self._hands.track(frame)
        if not found:
            return None
        width = frame.shape[1]
        palms = np.stack([hand.landmarks[[WRIST, 5, 17]].mean(axis=0) for hand in found])
        chosen = self._choose(palms, [writes(hand.pose) for hand in found], width, seconds)
        if chosen is None:  # the hand is out of sight: another one may show where it is, but not write
            tip = found[0].landmarks[INDEX][-1]
            self._tip = None
            return Tip(float(tip[0]), float(tip[1]), False)
        landmarks, pose = found[chosen].landmarks, found[chosen].pose
        self._palm, self._seen = palms[chosen], seconds
        self._writing = writes(pose, self._writing)
        if self._writing:
            self._wrote = seconds
        self._tip = steady(self._tip, landmarks[INDEX][-1], width)
        return Tip(float(self._tip[0]), float(self._tip[1]), self._writing)

    def _choose(self, palms: np.ndarray, writing: list[bool], width: int, seconds: float) -> int | None:
        """Return the number of the hand to follow, or None while the one that was followed is only out of sight."""
        if self._palm is not None and seconds - self._seen < LOYALTY:
            distances = np.linalg.norm(palms - self._palm, axis=1)
            nearest = int(distances.argmin())
            if distances[nearest] > REACH * width:
                return None
            if writing[nearest] or not any(writing) or seconds - self._wrote < LOYALTY:
                return nearest
        chosen = writing.index(True) if any(writing) else 0
        self._writing, self._tip = False, None
        return chosen
