"""Say what photos and a camera show on a page in the browser, and teach it classes of your own there.

    python cifar_recognition/web.py                 # opens the page; Ctrl-C ends it
    python cifar_recognition/web.py --model imagenet --no-open      # a thousand kinds of things, not ten
    python cifar_recognition/web.py --folder data/cups              # own classes: another folder, and model, for a set
    python cifar_recognition/web.py --host 0.0.0.0 --token choose1one   # for others in this network, who need the token
    curl --data-binary @photo.jpg "http://127.0.0.1:8000/read?name=photo.jpg"    # what predict_static.py --json prints

Reads models/photos.* and EfficientNet-Lite0, or the model of --model (see predict_static.py). Own classes are collected
in --folder and become models/NAME.*, called like it (see collect.py). Nothing leaves this computer. docs/web.md tells
what other programs can ask, and every error.
Exit code: 1 the page could not be served, 2 wrong usage, 130 Ctrl-C.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2

from recognition import settings
from recognition.files import DATA
from recognition.media.frames import Frame
from recognition.models import cards
from recognition.objects import backbones, classification, drawing, live, occlusion
from recognition.objects.collecting import collection
from recognition.objects.collecting.session import Session
from recognition.web import server


@dataclass
class Config:
    model: str = "photos"  # photos, imagenet (a thousand kinds), cifar10 (the 32x32 network), or one of your own
    threshold: float | None = None  # least fit of a class, 0 to 1, default the model's own; higher errs less
    top: int = 5  # classes listed, the most probable first
    folder: Path = DATA / "own"  # for the images of own classes, CLASS/*.jpg; their model is called like it
    host: str = "127.0.0.1"  # address to listen on; 0.0.0.0 lets others in, who need --token
    port: int = 8000  # or the next one that is free
    token: str | None = None  # letters and digits that the address then has, and without which nothing is answered
    open: bool = True  # open the browser where there is a display; --no-open only prints the address


class Objects:
    """What the page asks for."""

    def __init__(self, config: Config):
        self._classifier = classification.load(config.model)
        self._threshold, self._top = self._classifier.threshold(config.threshold), config.top
        self._folder, self._name = config.folder, config.folder.resolve().name
        self._session: Session | None = None
        self.actions = {
            "explain": self.explain,
            "own": self.own,
            "begin": self.begin,
            "take": self.take,
            "undo": self.undo,
            "train": self.train,
        }

    def close(self) -> None:
        """End what still makes a model."""
        if self._session and self._session.saving:
            self._session.saving.stop(wait=False)

    def read(self, frame: Frame) -> str:
        """Return what predict_static.py --json prints of a photo."""
        seen = classification.classify(frame.image, self._classifier, self._threshold, self._top)
        return classification.json_line(frame.source, frame.index, seen)

    def watch(self, options: dict) -> Callable[[Frame], str]:
        """Return what tells of a camera, frame after frame, what webcam.py --json prints; with `model=own`, what was
        learned last, and before that nothing."""
        watching = made_of = None

        def watch(frame: Frame) -> str:
            nonlocal watching, made_of
            own = options.get("model") == "own"
            classifier = (self._session and self._session.classifier) if own else self._classifier
            if classifier is None:
                nothing = classification.Objects(False, [], 0.0)
                return classification.json_line(frame.source, frame.index, nothing)
            if classifier is not made_of:
                threshold = classifier.threshold(None) if own else self._threshold
                watching, made_of = live.LiveObjects(classifier, threshold, None, self._top), classifier
            return classification.json_line(frame.source, frame.index, watching.classify(frame))

        return watch

    def explain(self, _options: dict, frame: Frame | None) -> bytes:
        """Return a photo as predict_static.py --explain colours it, without its panel, as a JPEG."""
        image = _picture(frame).image
        seen = classification.classify(image, self._classifier, self._threshold, 1)
        drawing.draw_heat(image, occlusion.explain(image, self._classifier, seen.top[0].label))
        return cv2.imencode(".jpg", image)[1].tobytes()

    def own(self, _options: dict, _frame: Frame | None) -> dict:
        """Return how far own classes are: how many images each has, whether it was learned, what is being done."""
        if self._session is None:
            return {"model": self._name, "classes": {}, "there": list(collection.images_in(self._folder))}
        session = self._session
        session.look_after()
        state = {"learned": session.classifier is not None, "saving": session.saving is not None}
        return {"model": self._name, "classes": session.images.counts, "note": session.note()} | state

    def begin(self, options: dict, _frame: Frame | None) -> dict:
        """Begin to collect images of two to nine classes, `names` "cat|dog"; those that are there already count."""
        names = collection.check_names(options.get("names", "").split("|"))
        if self._session is None or list(self._session.images.files) != names:
            if self._session and self.own(options, None)["saving"]:
                raise settings.UserError(f"{self._name} is being made: wait till it is saved, then change the classes")
            images = collection.Collection(self._folder, names)
            cards.check_name(self._name)
            backbones.head_card(self._name)
            self._session = Session(images, self._name)
        return self.own(options, None)

    def take(self, options: dict, frame: Frame | None) -> dict:
        """Save a frame of the camera as one more image of the class `name`, unless it looks as the last one did."""
        names = list(self._begun().images.files)
        if options.get("name") not in names:
            raise settings.UserError(f"name={options.get('name', '')[:40]}: one of {', '.join(names)}", 2)
        self._session.press(str(names.index(options["name"]) + 1), _picture(frame))
        return self.own(options, None)

    def undo(self, options: dict, frame: Frame | None) -> dict:
        """Delete the images that were taken last, while a button was held."""
        self._begun().press("u", frame)
        return self.own(options, None)

    def train(self, options: dict, frame: Frame | None) -> dict:
        """Learn from what was collected, in a moment, and begin to make the model that stays."""
        self._begun().press("t", frame)
        return self.own(options, None)

    def _begun(self) -> Session:
        if self._session is None:
            raise settings.UserError("no classes yet: name two, begin?names=cat|dog", 2)
        return self._session


def _picture(frame: Frame | None) -> Frame:
    if frame is None:
        raise settings.UserError("no picture: send one", 2)
    return frame


def main(config: Config) -> int:
    settings.check_range(config, 1, math.inf, "top")
    return server.serve("objects", lambda: Objects(config), config)


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
