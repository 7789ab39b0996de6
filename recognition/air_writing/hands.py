"""Follow hands from frame to frame with the two networks of MediaPipe's hand model.

Source: F. Zhang et al. 2020, "MediaPipe Hands: On-device Real-time Hand Tracking", and the constants of the published
graph. A hand that is followed is looked for where its landmarks were in the frame before; palms are looked for only
while a hand is missing. The makers' own package is not used, for it calls a server of theirs a minute after its start.
"""

import zipfile
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from recognition.air_writing import palms, regions
from recognition.models import litert
from recognition.settings import UserError

SIZE = 224  # pixels of a side of what the network of landmarks takes
FILES = {"hand_detector.tflite": palms.SIZE, "hand_landmarks_detector.tflite": SIZE}
PATIENCE = 15  # frames in each of which a hand that was lost is looked for
AGAIN = 5  # after them: frames from one search for another hand to the next, for each takes as long as following one


class Hand(NamedTuple):
    """A hand's wrist, then four joints of each finger, thumb first, from the palm to the tip."""

    landmarks: np.ndarray  # where they are, float (21, 2) in pixels of the frame
    pose: (
        np.ndarray
    )  # how they lie to one another, float32 (21, 3) in metres, in the axes of the square they were seen in
    region: regions.Region  # where the hand is looked for in the next frame


def read_networks(model: Path) -> list[litert.Network]:
    """Return the networks that find palms and landmarks, from the archive that MediaPipe's makers publish.

    Raises UserError where it is missing or holds something else.
    """
    try:
        with zipfile.ZipFile(model) as archive:
            networks = [litert.Network(archive.read(name)) for name in FILES]
        sizes = [network.shape for network in networks]
        if sizes != [(1, size, size, 3) for size in FILES.values()]:
            raise ValueError(f"its networks take {' and '.join(map(str, sizes))}")
    except FileNotFoundError:
        raise UserError(f"{model} not found: put the hand model there, or follow a marker: --tracker marker") from None
    except (zipfile.BadZipFile, KeyError, ValueError, RuntimeError) as error:
        reason = str(error.args[0] if error.args else error).partition("\n")[0]
        raise UserError(
            f"{model}: no hand model that can be read ({reason}): delete it to download it again, "
            "or follow a coloured marker instead: --tracker marker"
        ) from None
    return networks


class HandTracker:
    """Follows so many hands at most."""

    def __init__(self, model: Path, most: int, confidence: float):
        """`confidence`: the least probability of a palm, and of a hand where one is looked for, to believe."""
        detector, self._network = read_networks(model)
        self._palms = palms.PalmDetector(detector, confidence)
        self._most, self._confidence = most, confidence
        self._hands: list[Hand] = []
        self._calm = 0  # frames since a hand was lost, or none was there

    def track(self, frame: np.ndarray) -> list[Hand]:
        """Return the hands in a BGR frame, uint8 (H, W, 3), those that were followed before first."""
        last, self._hands = self._hands, []
        for hand in last:
            self._look(frame, hand.region)
        lost = len(self._hands) < max(len(last), 1)
        self._calm = 0 if lost else self._calm + 1
        if len(self._hands) < self._most and (self._calm < PATIENCE or self._calm % AGAIN == 0):
            for palm in self._palms.detect(frame):
                if len(self._hands) < self._most:
                    self._look(frame, regions.around_palm(palm))
        return self._hands

    def _look(self, frame: np.ndarray, region: regions.Region) -> None:
        """Add the hand in a part of the frame, unless there is none or it has been found already."""
        if any(regions.alike(region, hand.region) for hand in self._hands):
            return
        image = regions.crop(frame, region, SIZE, cv2.BORDER_REPLICATE)
        landmarks, presence, _, pose = self._network.run(image)  # left out: left or right
        if presence[0, 0] < self._confidence:
            return
        points = regions.to_frame(landmarks.reshape(21, 3)[:, :2] / SIZE, region)
        after = regions.around_hand(points)
        if not any(regions.alike(after, hand.region) for hand in self._hands):
            self._hands.append(Hand(points, pose.reshape(21, 3), after))
