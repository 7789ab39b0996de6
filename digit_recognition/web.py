"""Read handwritten numbers on a page in the browser: draw them, drop photos, look into the camera.

    python digit_recognition/web.py                 # opens the page; Ctrl-C ends it
    python digit_recognition/web.py --port 9000 --no-open
    python digit_recognition/web.py --host 0.0.0.0 --token choose1one   # for others in this network, who need the token
    curl --data-binary @photo.jpg "http://127.0.0.1:8000/read?name=photo.jpg"    # what predict_static.py --json prints

Reads models/pages.* and, to show what a network sees of one digit, models/digits.*; writes nothing, and nothing leaves
this computer. docs/web.md tells what other programs can ask, and every error.
Exit code: 1 the page could not be served, 2 wrong usage, 130 Ctrl-C.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recognition import settings
from recognition.digits import crops, live, numbers, reader
from recognition.media.frames import Frame
from recognition.media.roi import Box
from recognition.names import printable
from recognition.web import app, server

AROUND = 0.2  # paper around a digit that is looked at, of its longer side


@dataclass
class Config:
    model: str = "pages"  # name of a model in models/ that reads pages
    one: str = "digits"  # name of a model in models/ that reads one digit: what the network sees
    threshold: float | None = None  # least confidence of a digit, 0 to 1, default the model's own; higher errs less
    host: str = "127.0.0.1"  # address to listen on; 0.0.0.0 lets others in, who need --token
    port: int = 8000  # or the next one that is free
    token: str | None = None  # letters and digits that the address then has, and without which nothing is answered
    open: bool = True  # open the browser where there is a display; --no-open only prints the address


class Digits:
    """What the page asks for."""

    def __init__(self, config: Config):
        self._model = reader.load(config.model)
        self._threshold = self._model.threshold(config.threshold)
        self._one = crops.load(config.one)
        self.actions = {"look": self.look, "drawing": self.drawing}

    def read(self, frame: Frame) -> str:
        """Return what predict_static.py --json prints of a photo."""
        lines, rotated = reader.read_page(frame.image, self._model, self._threshold)
        return numbers.json_line(frame.source, frame.index, lines, rotated=rotated, scale=frame.scale)

    def drawing(self, _options: dict, frame: Frame | None) -> dict:
        """Return what is told of a photo of a drawing, on which there should be digits alone."""
        image = picture(frame).image
        lines, _ = reader.read_page(image, self._model, self._threshold, drawn=True)
        return json.loads(numbers.json_line("drawing", 0, lines))

    def watch(self, _options: dict) -> Callable[[Frame], str]:
        """Return what tells of a camera, frame after frame, what webcam.py --json prints."""
        reading = live.LiveReader(self._model, self._threshold)
        return lambda frame: numbers.json_line(frame.source, frame.index, reading.read(frame.image))

    def look(self, options: dict, frame: Frame | None) -> dict:
        """Return what the network of one digit sees in a part of a picture, `box` "x1,y1,x2,y2": its image, 28x28, and
        probabilities; with `layers` the maps of each layer, rows of 0 to 255.

        `rotated`: by how many degrees it has to be turned clockwise to be upright, as `read` told."""
        frame = picture(frame)
        if (rotated := options.get("rotated", "0")) not in ("0", "90", "180", "270"):
            raise settings.UserError(f"rotated={printable(rotated[:40])}: 0, 90, 180 or 270", 2)
        part = cut(frame.image, app.box_of(options, frame.scale))
        image = np.ascontiguousarray(np.rot90(part, -int(rotated) // 90))
        digit = crops.normalise_photo(image)
        seen = {"image": digit.tolist(), "names": self._one.class_names}
        seen["probabilities"] = self._one.predict(digit[None])[0].round(4).tolist()
        if "layers" in options:
            seen["layers"] = [
                {"kind": kind, "maps": gray(maps).transpose(2, 0, 1).tolist()} for kind, maps in self._one.layers(digit)
            ]
        return seen


def picture(frame: Frame | None) -> Frame:
    """Return the picture that was sent; UserError without one."""
    if frame is None:
        raise settings.UserError("no picture: send one", 2)
    return frame


def cut(image: np.ndarray, box: Box | None) -> np.ndarray:
    """Return the part of a picture in a box, with some paper around it, or all."""
    if box is None:
        return image
    x1, y1, x2, y2 = box
    margin = round(AROUND * max(x2 - x1, y2 - y1))
    part = image[max(0, y1 - margin) : max(0, y2 + margin), max(0, x1 - margin) : max(0, x2 + margin)]
    if not part.size:
        size = "{1}x{0}".format(*image.shape)
        raise settings.UserError(f"box={x1},{y1},{x2},{y2}: nothing of the picture, which has {size} pixels", 2)
    return part


def gray(maps: np.ndarray) -> np.ndarray:
    """Return maps, float32 (h, w, C) from 0 on, as pixels, uint8: 255 is the layer's highest value."""
    return np.rint(maps * (255 / max(float(maps.max()), 1e-6))).astype(np.uint8)


def main(config: Config) -> int:
    return server.serve("digits", lambda: Digits(config), config)


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
