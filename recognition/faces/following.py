"""Carry faces along from one frame of a video to the next, where detecting them takes long."""

from dataclasses import replace

import cv2
import numpy as np

from recognition.faces.detection import Face

SIDE = 400  # pixels of the longer side in which faces are followed
POINTS = 5  # by as many points of a face are followed


def shrunk(frame: np.ndarray) -> np.ndarray:
    """Return a BGR frame, uint8 (H, W, 3), gray and with sides of about SIDE pixels: enough to see what moves."""
    factor = max(1, round(max(frame.shape[:2]) / SIDE))
    size = [max(1, side // factor) for side in frame.shape[1::-1]]
    return cv2.resize(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), size, interpolation=cv2.INTER_AREA)


class Follower:
    """Carries faces along from frame to frame by what moves in them, where detecting them takes long."""

    def __init__(self) -> None:
        self._last: np.ndarray | None = None

    def follow(self, gray: np.ndarray, faces: list[Face], scale: float = 1.0) -> list[Face]:
        """Return where the faces of the frame given before are in this one, gray; those that went are left out.

        `scale`: of the faces' pixels, the gray one's.
        """
        last, self._last = self._last, gray
        if last is None or last.shape != gray.shape or not faces:
            return faces
        steps = np.linspace(0.2, 0.8, POINTS)
        grid = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2)
        corners = np.array([face.box for face in faces], float).reshape(-1, 2, 2)
        points = corners[:, :1] + grid * (corners[:, 1:] - corners[:, :1])  # (faces, points, 2)
        points = (points / scale).astype(np.float32)
        moved, ok, _ = cv2.calcOpticalFlowPyrLK(last, gray, points.reshape(-1, 1, 2), None, winSize=(15, 15))
        moved, ok = moved.reshape(points.shape), ok.reshape(points.shape[:2]) > 0
        height, width = (scale * side for side in gray.shape)
        followed = []
        for face, old, new, good in zip(faces, points, moved, ok, strict=True):
            if good.sum() <= len(grid) // 2:
                continue
            shift = scale * np.median(new[good] - old[good], axis=0)
            x1, y1, x2, y2 = np.rint(np.array(face.box) + np.tile(shift, 2)).astype(int).tolist()
            if 0 < x1 + x2 < 2 * width and 0 < y1 + y2 < 2 * height:  # its middle is in the frame
                followed.append(replace(face, box=(x1, y1, x2, y2), landmarks=face.landmarks + shift))
        return followed
