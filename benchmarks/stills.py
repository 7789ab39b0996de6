"""Draw the pictures of live reading, air-writing and faces, from what we draw ourselves, into docs/.

    python benchmarks/stills.py                  # writes docs/live.jpg, air_writing.jpg and faces.jpg
    python benchmarks/stills.py --output /tmp/x  # look before replacing the committed ones

Reads models/pages.* and digits.*. What is on the pictures is what the scripts draw, but for the frame rate.
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from recognition import files, settings
from recognition.air_writing import drawing, marker, strokes
from recognition.air_writing.pen import Pen
from recognition.digits import reader
from recognition.digits.drawing import draw_digits
from recognition.digits.live import LiveReader
from recognition.faces import detection
from recognition.faces.drawing import draw_faces
from recognition.faces.live import Seen
from recognition.media import frames, sinks
from recognition.models import litert, store
from recognition.people import recognizers
from recognition.synthetic import clips, handwriting, pages

WIDTH = 1000  # pixels


@dataclass
class Config:
    output: Path = files.ROOT / "docs"  # folder for the pictures
    seed: int = 8  # another number writes with another hand


def read_page(model: litert.Maps, seed: int) -> np.ndarray:
    """Return a frame of webcam.py, BGR: a page before the camera, its digits in boxes."""
    rng = np.random.default_rng(seed)
    page = pages.Page(height=760, width=1320, digit=130, pen=9, ruling="ruled", slant=3, shadow=0.3)
    photo, _ = pages.write_page([list("31415"), list("92653")], page, rng)
    live_reader = LiveReader(model, model.threshold(None))
    for k in range(12):
        frame = photo[k : k + 720, 2 * k : 2 * k + 1280].copy()
        rows = live_reader.read(frame)
    draw_digits(frame, rows)
    return frame


def write_number(model: litert.Model, seed: int) -> list[np.ndarray]:
    """Return two frames of hand_tracking.py, BGR: while the third digit is written, and with the whole number."""
    rng = np.random.default_rng(seed)
    scene = clips.Scene(digit=300, noise=3)
    background = cv2.GaussianBlur(clips.room(scene, rng), (0, 0), 12)
    moments = clips.move([handwriting.write(digit, rng, 0.3) for digit in "256"], scene, rng)
    tracker, pen = marker.MarkerTracker("red"), Pen(scene.width, scene.height, 0.5)
    writer = strokes.Writer(model.predict, model.threshold(None), 3.0)
    shown = []
    for k, frame in enumerate(clips.film(moments, scene, rng, background)):
        seconds = k / scene.fps
        tip = tracker.track(frame, seconds)
        writer.add(pen.update(tip, seconds))
        drawing.draw_writing(frame, pen, writer, tip)
        number = writer.text
        if len(number) == 2 and len(pen.points) > 12 and tip and not shown:
            shown.append(frame)
    return [*shown, frame]


def save(frames: list[np.ndarray], path: Path) -> None:
    """Write frames side by side as one JPEG."""
    picture = np.hstack([cv2.copyMakeBorder(f, 0, 0, 0, 12, cv2.BORDER_CONSTANT, value=(255,) * 3) for f in frames])
    picture = picture[:, :-12]
    scale = WIDTH / picture.shape[1]
    sinks.save_picture(path, cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))


def name_people() -> np.ndarray:
    """Return a picture of predict_static.py, BGR: the party of data/samples, three of whom are enrolled."""
    detector = detection.load_detector("auto")
    with tempfile.TemporaryDirectory() as folder:
        people = Path(shutil.copytree(files.DATA / "samples" / "people", Path(folder) / "people"))
        recognizer = recognizers.load("auto", people, detector)
        frame = frames.read_image(files.DATA / "samples" / "party.jpg")
        found = detector.detect(frame)
        matches = recognizer.identify(frame, found)
    draw_faces(frame, [Seen(face.box, match) for face, match in zip(found, matches, strict=True)])
    return frame


def main(config: Config) -> None:
    model = store.load("digits")
    config.output.mkdir(parents=True, exist_ok=True)
    save([read_page(reader.load(), config.seed)], config.output / "live.jpg")
    save(write_number(model, config.seed), config.output / "air_writing.jpg")
    save([name_people()], config.output / "faces.jpg")
    settings.say(f"pictures: {config.output}")


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
