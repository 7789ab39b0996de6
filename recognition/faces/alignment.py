"""Bring faces upright to one size, and to light, by two independent opinions on where eyes, nose and mouth are.

A detector's five landmarks are the first; in the face that they turn upright dlib's predictor (V. Kazemi, J. Sullivan,
"One millisecond face alignment with an ensemble of regression trees", 2014) finds its own five, those that dlib's
descriptor was trained with. The mean of both alignments beats each alone: their errors are not the same.
"""

from functools import cache

import cv2
import numpy as np

from recognition.downloads import dlib_file

# Points of an upright face, in widths of the face, from dlib/image_transforms/interpolation.h. Its mean of 68 landmarks
# gives the centres of the left eye as seen and of the right one, the tip of the nose and the corners of the mouth:
TEMPLATE = np.array(
    [(0.22555, 0.21599), (0.75475, 0.21599), (0.490127, 0.515625), (0.254149, 0.780233), (0.726104, 0.780233)]
)
# and its five landmarks are the right eye's outer and inner corner, the left eye's, and the base of the nose:
CORNERS = np.array(
    [(0.859567, 0.213498), (0.646060, 0.228967), (0.120575, 0.213727), (0.334085, 0.229064), (0.490112, 0.627798)]
)
# Where SFace, as most networks since ArcFace, wants a detector's five landmarks: pixels, as in OpenCV's alignCrop
SFACE = np.array([(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)])
SFACE_SIZE = 112
DARK, LIT, GAIN = 25, 110, 20  # mean of a picture that is too dark, what it is brought to, and by how much at most
TIGHTER = 0.05  # by which the detector's alignment cuts closer: five points that err make a face look larger
BOX_CENTRE, BOX_SIDE = np.array((0.43, 0.49)), 1.34  # of dlib's HOG box around such a face, which its predictor expects
JITTER = ((0, 0), (0.06, 0), (-0.06, 0), (0, 0.06), (0, -0.06))  # of the box, in its sides: five looks err less
SURROUNDINGS = 2  # sizes of a crop, in a frame where the face is twice as large, to each side of the face's middle
DRAFT, DRAFT_PADDING = 150, 0.5  # pixels and margin of the face that the predictor sees


def lit(image: np.ndarray) -> np.ndarray:
    """Return a BGR image, uint8, that is not too dark to see a face in."""
    mean = sum(cv2.mean(image)[:3]) / 3
    return image if mean >= DARK else cv2.convertScaleAbs(image, alpha=min(GAIN, LIT / max(mean, 1)))


def align(frame: np.ndarray, landmarks: np.ndarray, size: int, padding: float = 0.25) -> np.ndarray:
    """Return a face turned upright by a detector's landmarks, BGR uint8 (size, size, 3), black where the frame ends.

    `landmarks`: float (5, 2). `padding`: margin around the face, in widths of it.
    """
    frame, landmarks = _shrunk(frame, landmarks, size, padding)
    return cv2.warpAffine(frame, similarity(landmarks, _placed(TEMPLATE, size, padding)), (size, size))


def align_precisely(frame: np.ndarray, landmarks: np.ndarray, size: int, padding: float = 0.25) -> np.ndarray:
    """Return a face as `align` does, for descriptors: it takes a millisecond more and is placed better."""
    frame, landmarks = _shrunk(frame, landmarks, size, padding)
    first = similarity(landmarks, _placed(TEMPLATE, size, padding - TIGHTER))
    second = similarity(_dlib_landmarks(frame, landmarks), _placed(CORNERS, size, padding))
    # Where the crop's pixels come from is averaged, not where the frame's go
    source = (cv2.invertAffineTransform(first) + cv2.invertAffineTransform(second)) / 2
    return cv2.warpAffine(frame, source, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def align_as_sface(frame: np.ndarray, landmarks: np.ndarray, size: int = SFACE_SIZE) -> np.ndarray:
    """Return a face as SFace was trained on it, BGR uint8 (size, size, 3), by a detector's landmarks alone."""
    place = SFACE / SFACE_SIZE * size
    frame, landmarks = _smaller(frame, landmarks, size, 2 * float(np.linalg.norm(similarity(landmarks, place)[:, 0])))
    return cv2.warpAffine(frame, similarity(landmarks, place), (size, size))


def _shrunk(frame: np.ndarray, landmarks: np.ndarray, size: int, padding: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a frame, and the landmarks in it, small enough that a face of it is cropped without leaving out pixels."""
    turned = similarity(landmarks, TEMPLATE)[:, 0]
    return _smaller(frame, landmarks, size, 2 * size / (2 * padding + 1) * float(np.linalg.norm(turned)))


def _smaller(frame: np.ndarray, landmarks: np.ndarray, size: int, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a frame, and the landmarks in it, shrunk by a scale; unless that is 1 or more. Only the surroundings of
    the face are shrunk, in which its crop of `size` pixels lies however it is turned."""
    if scale >= 1:
        return frame, landmarks
    reach, middle = SURROUNDINGS * size / scale, landmarks.mean(0)
    size_xy = np.array(frame.shape[1::-1])
    x1, y1 = np.clip(middle - reach, 0, size_xy - 1).astype(int)
    x2, y2 = np.clip(middle + reach + 1, 1, size_xy).astype(int)
    near = frame[y1:y2, x1:x2]
    # The outer edges of pixels are at -0.5, and it is these that a resized picture keeps in place
    scales = np.maximum(1, np.rint(np.array(near.shape[1::-1]) * scale)) / near.shape[1::-1]
    small = cv2.resize(near, None, fx=scales[0], fy=scales[1], interpolation=cv2.INTER_AREA)
    return small, (landmarks - (x1, y1) + 0.5) * scales - 0.5


def _placed(template: np.ndarray, size: int, padding: float) -> np.ndarray:
    return (template + padding) / (2 * padding + 1) * size


def _dlib_landmarks(frame: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Return dlib's five landmarks of a face whose others are known, float (5, 2), in pixels of the frame."""
    import dlib

    upright = similarity(landmarks, _placed(TEMPLATE, DRAFT, DRAFT_PADDING))
    draft = cv2.cvtColor(cv2.warpAffine(frame, upright, (DRAFT, DRAFT)), cv2.COLOR_BGR2RGB)
    centre = _placed(BOX_CENTRE, DRAFT, DRAFT_PADDING)
    half = BOX_SIDE / 2 / (2 * DRAFT_PADDING + 1) * DRAFT
    found = []
    for shift in JITTER:
        middle = centre + np.array(shift) * 2 * half
        box = dlib.rectangle(*np.rint([*(middle - half), *(middle + half)]).astype(int).tolist())
        found.append(_predict(draft, box))
    points = np.mean(found, axis=0)
    return points @ (back := cv2.invertAffineTransform(upright))[:, :2].T + back[:, 2]


def five_landmarks(image_rgb: np.ndarray, box) -> np.ndarray:
    """Return landmarks as a detector gives them, float (5, 2), of the face in a dlib.rectangle of an RGB image.

    dlib's predictor knows the eyes and the base of the nose; the mouth is where a face that stands so has it.
    """
    corners = _predict(image_rgb, box)
    back = cv2.invertAffineTransform(similarity(corners, CORNERS))
    mouth_and_all, nose = (template @ back[:, :2].T + back[:, 2] for template in (TEMPLATE, CORNERS[4]))
    return np.stack([
        corners[2:4].mean(0), corners[:2].mean(0), mouth_and_all[2] + corners[4] - nose, *mouth_and_all[3:]
    ])  # fmt: skip


def _predict(image_rgb: np.ndarray, box) -> np.ndarray:
    """Return dlib's five landmarks, float (5, 2), of the face in a dlib.rectangle."""
    return np.array([(point.x, point.y) for point in _predictor()(image_rgb, box).parts()], float)


@cache
def _predictor():
    import dlib

    return dlib.shape_predictor(dlib_file("shape_predictor_5_face_landmarks.dat"))


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the turn, scale and shift, float (2, 3), that brings points (N, 2) nearest to others by least squares."""
    # As complex numbers, x + iy, points are turned and scaled by one factor
    (x, y), (u, v) = source.T, target.T
    points, goals = x + 1j * y, u + 1j * v
    centre = points.sum() / len(points)
    points = points - centre
    factor = np.vdot(points, goals) / max(1e-12, np.vdot(points, points).real)
    shift = goals.sum() / len(goals) - factor * centre
    return np.array([(factor.real, -factor.imag, shift.real), (factor.imag, factor.real, shift.imag)])
