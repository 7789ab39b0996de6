"""Measure the PyPI package face_recognition, as its own examples use it, in a virtual environment of its own.

    PYTHON benchmarks/faces_yardstick.py pairs FOLDER PAIRS              # LFW's protocol
    PYTHON benchmarks/faces_yardstick.py clip VIDEO NAME=PHOTO...        # a video, every frame read
    PYTHON benchmarks/faces_yardstick.py frames FOLDER                   # PNG frames as from a webcam

Prints one JSON object. Run by benchmarks/faces.py, which sets the environment up: nothing of this project is imported.
"""

import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np

import face_recognition

TOLERANCE = 0.6  # the package's default
STRICT = 0.5  # what its examples with videos take


def pairs(folder: Path, listed: Path) -> dict:
    """Return accuracy at the default tolerance, images in which no face was found, and milliseconds an image."""
    known, seconds = {}, []

    def encoding(name: str, number: str):
        path = folder / name / f"{name}_{int(number):04d}.jpg"
        if path not in known:
            image = face_recognition.load_image_file(path)
            start = time.perf_counter()
            boxes = face_recognition.face_locations(image)
            centre = np.array(image.shape[:2]) / 2
            boxes.sort(key=lambda box: np.hypot((box[0] + box[2]) / 2 - centre[0], (box[1] + box[3]) / 2 - centre[1]))
            found = face_recognition.face_encodings(image, boxes[:1])
            seconds.append(time.perf_counter() - start)
            known[path] = found[0] if found else None
        return known[path]

    right = []
    for line in listed.read_text().splitlines()[1:]:
        words = line.split()
        if len(words) in (3, 4):
            one = encoding(words[0], words[1])
            other = encoding(words[-2] if len(words) == 4 else words[0], words[-1])
            distance = np.nan if one is None or other is None else np.linalg.norm(one - other)
            right.append((distance < TOLERANCE) == (len(words) == 3) and not np.isnan(distance))
    lost = sum(encoding is None for encoding in known.values())
    return {"accuracy": float(np.mean(right)), "without_a_face": lost, "ms": 1000 * float(np.median(seconds))}


def clip(video: Path, people: dict[str, Path]) -> dict:
    """Return frames a second, the number of faces, and the frames in which each person is named, numbered from 0."""
    known = {
        name: face_recognition.face_encodings(face_recognition.load_image_file(path))[0]
        for name, path in people.items()
    }
    capture, named, count, index = cv2.VideoCapture(str(video)), {name: [] for name in people}, 0, 0
    start = time.perf_counter()
    while True:
        ok, frame = capture.read()
        if not ok:
            break
        count += len(read(frame, known, named, index))
        index += 1
    return {"fps": index / (time.perf_counter() - start), "faces": count, "named": named}


def read(frame: np.ndarray, known: dict[str, np.ndarray], named: dict[str, list[int]], index: int) -> list:
    image = np.ascontiguousarray(frame[..., ::-1])
    boxes = face_recognition.face_locations(image)
    for encoding in face_recognition.face_encodings(image, boxes):
        distances = {name: np.linalg.norm(other - encoding) for name, other in known.items()}
        nearest = min(distances, key=distances.get, default=None)
        if nearest and distances[nearest] < STRICT and index not in named[nearest]:
            named[nearest].append(index)
    return boxes


def webcam(folder: Path) -> dict:
    """Return frames a second, and faces a frame."""
    images = [cv2.imread(str(path)) for path in sorted(folder.glob("*.png"))]
    start = time.perf_counter()
    count = sum(len(read(image, {}, {}, 0)) for image in images)
    return {"fps": len(images) / (time.perf_counter() - start), "faces": count / len(images)}


if __name__ == "__main__":
    kind, *rest = sys.argv[1:]
    if kind == "pairs":
        result = pairs(Path(rest[0]), Path(rest[1]))
    elif kind == "clip":
        result = clip(Path(rest[0]), {name: Path(path) for name, path in (word.split("=", 1) for word in rest[1:])})
    else:
        result = webcam(Path(rest[0]))
    print(json.dumps(result))
