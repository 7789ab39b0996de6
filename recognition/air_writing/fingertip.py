"""Follow the tip of the index finger with MediaPipe's hand landmarks; a pointing finger writes.

Landmarks are float (21, 3): the wrist, then four joints each of thumb, index, middle, ring and little finger, from the
palm to the tip.
"""

import contextlib
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from recognition.air_writing.pen import Tip
from recognition.downloads import fetch
from recognition.files import PUBLISHED
from recognition.settings import UserError, quiet

MODEL = PUBLISHED / "hand_landmarker.task"
URL = "https://storage.googleapis.com/mediapipe-models/hand_landmarker/hand_landmarker/float16/1/hand_landmarker.task"
SHA256 = {
    "fbc2a30080c3c557093b5ddfc334698132eb341044ccee322ccf8bcf3607cde1",  # as published
    "2e5dc052dba90af8af060d3936cbb9047aaf8166eb8ef39d0bbc947681967261",  # the same networks, from MediaPipe's own wheel
}
WRIST, THUMB_TIP, MIDDLE_KNUCKLE = 0, 4, 9
INDEX, MIDDLE, RING, LITTLE = (slice(k, k + 4) for k in (5, 9, 13, 17))
CONFIDENCE = 0.3  # of MediaPipe, which proposes 0.5; lower, it holds on to hands that motion blurs
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


@contextlib.contextmanager
def without_tensorflow() -> Iterator[None]:
    """Keep an installed TensorFlow out: MediaPipe imports it for its documentation only, 2.5 s and JAX with it."""
    loaded = "tensorflow" in sys.modules
    if not loaded:
        sys.modules["tensorflow"] = None
    try:
        yield
    finally:
        if not loaded:
            del sys.modules["tensorflow"]


class FingertipTracker:
    """Follows the hand that writes, of up to two; close it, or use it in a with statement."""

    def __init__(self, model: Path):
        try:
            with quiet(), without_tensorflow():
                import mediapipe
                from mediapipe.tasks.python import BaseOptions, vision

                options = vision.HandLandmarkerOptions(
                    base_options=BaseOptions(model_asset_buffer=model.read_bytes()),  # its paths fail on Windows
                    running_mode=vision.RunningMode.VIDEO,
                    num_hands=2,
                    min_hand_detection_confidence=CONFIDENCE,
                    min_hand_presence_confidence=CONFIDENCE,
                    min_tracking_confidence=CONFIDENCE,
                )
                landmarker = vision.HandLandmarker.create_from_options(options)
        except FileNotFoundError:
            raise UserError(f"{model} not found: put the model from {URL} there") from None
        except Exception as error:  # no wheel for this Python, no system libraries, a model that it cannot read
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise UserError(
                f"MediaPipe cannot be used ({reason}): pip install mediapipe, or take a coloured cap: --tracker marker"
            ) from None
        self._mediapipe, self._landmarker = mediapipe, landmarker
        self.close = weakref.finalize(self, _close, landmarker)
        self._milliseconds, self._greeted = -1, False
        self._palm: np.ndarray | None = None  # of the hand followed, where it was last seen
        self._tip: np.ndarray | None = None
        self._writing, self._seen, self._wrote = False, 0.0, 0.0

    def __enter__(self) -> "FingertipTracker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def track(self, frame: np.ndarray, seconds: float) -> Tip | None:
        """Return where the index fingertip is in a BGR frame, uint8 (H, W, 3), or None; `seconds` rise."""
        hands = self._detect(frame, seconds)
        if not hands:
            return None
        width = frame.shape[1]
        palms = np.stack([hand[[WRIST, 5, 17], :2].mean(axis=0) for hand, _ in hands])
        chosen = self._choose(palms, [writes(pose) for _, pose in hands], width, seconds)
        if chosen is None:  # the hand is out of sight: another one may show where it is, but not write
            tip = hands[0][0][INDEX][-1]
            self._tip = None
            return Tip(float(tip[0]), float(tip[1]), False)
        landmarks, pose = hands[chosen]
        self._palm, self._seen = palms[chosen], seconds
        self._writing = writes(pose, self._writing)
        if self._writing:
            self._wrote = seconds
        self._tip = steady(self._tip, landmarks[INDEX][-1, :2], width)
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

    def _detect(self, frame: np.ndarray, seconds: float) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return each hand's landmarks, in pixels and, for its pose, in metres, both float (21, 3)."""
        self._milliseconds = max(round(seconds * 1000), self._milliseconds + 1)  # it refuses time that stands still
        image = self._mediapipe.Image(
            image_format=self._mediapipe.ImageFormat.SRGB, data=cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        )
        with contextlib.nullcontext() if self._greeted else quiet():  # the first hand makes it print a warning
            found = self._landmarker.detect_for_video(image, self._milliseconds)
        self._greeted = self._greeted or bool(found.hand_landmarks)
        scale = np.array([frame.shape[1], frame.shape[0], frame.shape[1]])
        return [
            (_array(landmarks) * scale, _array(pose))
            for landmarks, pose in zip(found.hand_landmarks, found.hand_world_landmarks, strict=True)
        ]


def _close(landmarker) -> None:
    try:
        with quiet():  # LiteRT takes leave with a line for each network
            landmarker.close()
    except RuntimeError:  # the interpreter ends and has stopped its threads; without a handle it won't try again
        landmarker._handle = None


def _array(landmarks: list) -> np.ndarray:
    return np.array([(point.x, point.y, point.z) for point in landmarks])
