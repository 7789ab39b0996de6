"""Measure how the two trackers follow a real clip of air writing, against marks made by eye.

    python benchmarks/air_writing_clip.py    # prints both trackers' numbers as JSON

Reads data/air_writing, data/models and air_writing_marks.json. In that file `cap` is the red cap's box, x1 y1 x2 y2,
smear included, for frames between which it goes evenly and outside which no cap is in view; `hand` is the first and
last frame with a hand. Frames called unclear, a mere smear at the border or a cap behind fingers, count neither way.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from recognition import settings
from recognition.air_writing import fingertip, marker
from recognition.air_writing.pen import Tip
from recognition.files import DATA

MARKS = json.loads(Path(__file__).with_name("air_writing_marks.json").read_text(encoding="utf-8"))
CLIP = DATA / "air_writing" / MARKS["clip"]
MARGIN = 15  # pixels around a marked box
RATE = 30  # frames a second


def cap_boxes() -> list[np.ndarray | None]:
    """Return the cap's box, float (4,), or None for each frame of the clip."""
    numbers = np.array([int(number) for number in MARKS["cap"]])
    edges = np.array(list(MARKS["cap"].values()), float).T
    frames = range(MARKS["frames"])
    boxes = np.stack([np.interp(frames, numbers, edge) for edge in edges], axis=1)
    return [boxes[i] if numbers[0] <= i <= numbers[-1] else None for i in frames]


def track(tracker: marker.MarkerTracker | fingertip.FingertipTracker, width: int) -> Iterator[tuple[Tip | None, float]]:
    """Yield the tip in pixels of the clip, or None, and the seconds that it took, for each frame shrunk to `width`."""
    video = cv2.VideoCapture(str(CLIP))
    for number in range(MARKS["frames"]):
        frame = video.read()[1]
        scale = frame.shape[1] / width
        small = cv2.resize(frame, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)
        start = time.perf_counter()
        tip = tracker.track(small, number / RATE)
        took = time.perf_counter() - start
        yield tip and Tip(tip.x * scale, tip.y * scale, tip.writing), took
    video.release()


def measure_marker(width: int = 1280) -> dict[str, float]:
    """Return the share of frames in which the cap was followed, the count of invented ones, and milliseconds."""
    followed, invented, seconds = [], 0, []
    for number, (box, (tip, took)) in enumerate(
        zip(cap_boxes(), track(marker.MarkerTracker("red"), width), strict=True)
    ):
        seconds.append(took)
        if number in MARKS["cap_unclear"]:
            continue
        if box is None:
            invented += tip is not None
        else:
            point = tip and np.array([tip.x, tip.y])
            followed.append(bool(tip and (box[:2] - MARGIN <= point).all() and (point <= box[2:] + MARGIN).all()))
    return {"followed": np.mean(followed), "invented": invented, "milliseconds": 1000 * np.median(seconds)}


def measure_fingertip(width: int = 1280) -> dict[str, float]:
    """Return the share of frames with a hand in which a fingertip was found, the count of invented ones, and time."""
    first, last = MARKS["hand"]
    with fingertip.FingertipTracker(fingertip.fetch_model()) as tracker:
        tips, seconds = zip(*track(tracker, width), strict=True)
    found = [tip is not None for tip in tips]
    invented = sum(here for i, here in enumerate(found) if not first <= i <= last and i not in MARKS["hand_unclear"])
    return {"found": np.mean(found[first : last + 1]), "invented": invented, "milliseconds": 1000 * np.median(seconds)}


@dataclass
class Config:
    width: int = 1280  # pixels to which the frames are shrunk


def main(config: Config) -> None:
    print(json.dumps({"marker": measure_marker(config.width), "fingertip": measure_fingertip(config.width)}))


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
