"""Find faces in frames: YuNet, dlib's HOG and dlib's CNN detector.

YuNet: W. Wu, H. Peng, S. Yu, "YuNet: a tiny millisecond-level face detector" (2023).
HOG and the landmarks: D. King's dlib; the CNN: D. King, "Max-margin object detection" (2015).
"""

import threading
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from recognition.detectors import yunet
from recognition.downloads import dlib_file
from recognition.faces.alignment import five_landmarks, lit
from recognition.media.tracking import iou
from recognition.settings import UserError, say

DETECTORS = ("auto", "yunet", "hog", "cnn")
Effort = Literal["quick", "usual", "thorough"]
OVERLAP = 0.3  # of two boxes that are one face
BEST = 130  # pixels of a face in the look whose landmarks are kept where several see it: they err least there
SIDE, LARGE_SIDE = 640, 1600  # pixels of the longer side that frames are brought to for YuNet, which learnt at 640
# and where one look is to see faces of all sizes, as it does in frames up to so large: of 1152 pixels those from 28 to
# 600 pixels (99 and more of 100), while a second look finds smaller ones, by which nobody can be told
ONE_LOOK, ONE_LOOK_UP_TO = 800, 1200
UPRIGHT = 0.9  # confidence of a face that is surely upright: all but 1 of 130 of LFW; upside down it is less
TURNED, CLEARER = 0.8, 0.03  # confidence of a face in a turned frame, and by how much clearer it must be there
STRIP = 32  # pixels of the shorter side up to which dlib would find no face, and its CNN crashes
RIVAL = 0.55  # weight of a second face, of the first one's, from which a photo is of both: 1.2 % of LFW


@dataclass
class Face:
    """One face: box x1 y1 x2 y2 in pixels, may reach over the border; landmarks, float (5, 2), x y in pixels: the eye
    that is left in the frame, the other eye, the tip of the nose, the left and the right corner of the mouth;
    confidence that it is a face, 0 to 1 (dlib's scores are cut to that)."""

    box: tuple[int, int, int, int]
    landmarks: np.ndarray
    confidence: float

    @property
    def size(self) -> int:
        """Its longer side, pixels."""
        x1, y1, x2, y2 = self.box
        return max(x2 - x1, y2 - y1)


class YuNet:
    """YuNet finds turned and half covered faces too, from about 20 pixels of what it looks at on."""

    name = "yunet"

    def __init__(self, effort: Effort = "thorough"):
        """`effort`: "quick" is one look, for live frames, at 640 pixels. "usual" is one look, too, or two at large
        photos, never enlarged: for whole libraries. "thorough" is two, one of them enlarged: faces from 12 pixels on.
        But for quick ones, where no face is upright, the frame is looked at turned by 90, 180 and 270 degrees."""
        self.effort = effort
        self._load = yunet.load(threads=2 if effort == "quick" else 1)  # photos go through several threads
        self._idle = [self._load()]  # networks that no thread uses; now, for what is missing is told before all else
        self._loading = threading.Lock()

    def detect(self, frame: np.ndarray, main: bool = False) -> list[Face]:
        """Return the faces of a BGR frame, uint8 (H, W, 3), the largest first. Any number of threads may do so at once.

        `main`: the face that the frame is of is enough; where it is large enough, small ones are not looked for.
        """
        found = self._look(frame, main)
        best = max((face.confidence for face in found), default=0.0)
        if self.effort == "quick" or best >= UPRIGHT:
            return found
        small = _resized(frame, min(1.0, SIDE / max(frame.shape[:2])))
        turned = {k: self._detect(np.ascontiguousarray(np.rot90(small, k)), 1.0) for k in (1, 3, 2)}
        sure = {k: max((face.confidence for face in faces), default=0.0) for k, faces in turned.items()}
        quarters = max(sure, key=sure.get)
        if sure[quarters] < max(TURNED, best + CLEARER):
            return found
        faces = self._look(np.ascontiguousarray(np.rot90(frame, quarters)), main)
        return [_turned_back(face, quarters, frame.shape) for face in faces]

    def _look(self, frame: np.ndarray, main: bool) -> list[Face]:
        """Return the faces of a frame as it stands."""
        scales, found = self._scales(max(frame.shape[:2])), []
        for scale in scales:
            found += [(abs(np.log(face.size * scale / BEST)), face) for face in self._detect(frame, scale)]
            # Beyond this size a larger look would find the same face, and no better
            if main and max((face.size for _, face in found), default=0) * np.sqrt(scale * scales[-1]) > BEST:
                break
        return _without_doubles([face for _, face in sorted(found, key=lambda one: one[0])])

    def _scales(self, longest: int) -> list[float]:
        """Return how a frame is scaled for each look. `longest`: pixels of its longer side."""
        if self.effort == "usual":
            return [min(1.0, ONE_LOOK / longest)] + [min(1.0, LARGE_SIDE / longest)] * (longest > ONE_LOOK_UP_TO)
        return [min(1.0, SIDE / longest)] + [min(2.0, LARGE_SIDE / longest)] * (self.effort == "thorough")

    def _detect(self, frame: np.ndarray, scale: float) -> list[Face]:
        small = lit(_resized(frame, scale))
        try:
            network = self._idle.pop()
        except IndexError:
            with self._loading:
                network = self._load()
        rows = network(small)
        self._idle.append(network)
        ratio = np.array(frame.shape[1::-1]) / small.shape[1::-1]
        corners, landmarks = rows[:, :4].reshape(-1, 2, 2) * ratio, rows[:, 4:14].reshape(-1, 5, 2) * ratio
        return [
            Face(tuple(np.rint((x1, y1, x1 + w, y1 + h)).astype(int).tolist()), points, float(score))
            for ((x1, y1), (w, h)), points, score in zip(corners, landmarks, rows[:, 14], strict=True)
        ]


class Dlib:
    """dlib's detectors: "hog" for frontal faces from 80 pixels (40 when looked at twice as large), and "cnn"."""

    def __init__(self, name: str):
        import dlib

        self.name, self._lock = name, threading.Lock()
        hog = name == "hog"
        path = None if hog else dlib_file("mmod_human_face_detector.dat")
        self._detector = dlib.get_frontal_face_detector() if hog else dlib.cnn_face_detection_model_v1(path)

    def detect(self, frame: np.ndarray, main: bool = False) -> list[Face]:
        """Return the faces of a BGR frame, uint8 (H, W, 3), the largest first; `main` makes no difference here.

        Several threads may do so, but one at a time: dlib's detectors keep what they work on in themselves.
        """
        scale = min(1.0, 1600 / max(frame.shape[:2]))
        small = _resized(frame, scale)
        if min(small.shape[:2]) < STRIP:
            return []
        image_rgb = np.ascontiguousarray(small[..., ::-1])
        upsample = int(max(small.shape[:2]) <= 800)
        with self._lock:
            if self.name == "hog":
                boxes, scores, _ = self._detector.run(image_rgb, upsample, 0.0)
            else:
                found = self._detector(image_rgb, upsample)
                boxes, scores = [face.rect for face in found], [face.confidence for face in found]
        faces = []
        for box, score in zip(boxes, scores, strict=True):
            landmarks = five_landmarks(image_rgb, box) / scale
            corners = np.array([box.left(), box.top(), box.right() + 1, box.bottom() + 1]) / scale
            faces.append(Face(tuple(np.rint(corners).astype(int).tolist()), landmarks, float(np.clip(score, 0, 1))))
        return _without_doubles(sorted(faces, key=lambda face: -face.confidence))


def _resized(frame: np.ndarray, scale: float) -> np.ndarray:
    """Return a frame in another size, at least one pixel wide and high: strips may be as thin as that."""
    size = [max(1, round(side * scale)) for side in frame.shape[1::-1]]
    # Down to half the size every pixel counts with bilinear interpolation, too, which takes a tenth of the time
    how = cv2.INTER_AREA if scale <= 0.5 else cv2.INTER_LINEAR
    return frame if scale == 1 else cv2.resize(frame, size, interpolation=how)


def _turned_back(face: Face, quarters: int, shape: tuple[int, ...]) -> Face:
    """Return a face of a frame that np.rot90 turned by so many quarters as it lies in the frame before, of `shape`."""
    (x1, y1, x2, y2), landmarks = face.box, face.landmarks
    for k in range(quarters):
        width = shape[1 - (quarters - 1 - k) % 2]  # of the frame before this quarter
        x1, y1, x2, y2 = width - y2, x1, width - y1, x2
        landmarks = np.stack([width - 1 - landmarks[:, 1], landmarks[:, 0]], axis=1)
    return Face((x1, y1, x2, y2), landmarks, face.confidence)


def _without_doubles(faces: list[Face]) -> list[Face]:
    """Return the faces, the largest first, without those that overlap one before them."""
    kept: list[Face] = []
    for face in faces:
        others = np.array([other.box for other in kept], float).reshape(-1, 4)
        if iou(np.array([face.box], float), others).max(initial=0) < OVERLAP:
            kept.append(face)
    return sorted(kept, key=lambda face: -face.size)


def load_detector(name: str, effort: Effort = "thorough") -> YuNet | Dlib:
    """Return a detector by its name; "auto" is YuNet, or HOG where YuNet cannot be had, and says which.

    `effort`: of YuNet, see there.
    """
    if name == "auto":
        try:
            return load_detector("yunet", effort)
        except UserError as error:
            say(f"{error}; going on with --detector hog, which finds fewer faces")
            return Dlib("hog")
    return YuNet(effort) if name == "yunet" else Dlib(name)


def for_photos(detector):
    """Return the detector with which the photos of people are looked at: all scripts, the quick ones, too, have to find
    the same face in them."""
    return YuNet() if isinstance(detector, YuNet) and detector.effort != "thorough" else detector


def main_face(frame: np.ndarray, faces: list[Face], rival: float = RIVAL) -> Face | None:
    """Return the face that a BGR frame is of, the largest and most central one; None if there is none.

    `rival`: weight of a second face, of the first one's, from which nobody can tell whose picture it is; 1: never.
    """
    if not faces:
        return None
    height, width = frame.shape[:2]
    middles = np.array([((face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2) for face in faces])
    away = np.linalg.norm(middles - (width / 2, height / 2), axis=1) / max(height, width)
    weights = np.array([face.size for face in faces]) ** 2.0 * np.exp(-2 * away)
    best = int(weights.argmax())
    return None if np.delete(weights, best).max(initial=0) > rival * weights[best] else faces[best]
