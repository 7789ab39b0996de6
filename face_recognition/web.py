"""Recognise people on a page in the browser: drop photos, look into the camera, enrol whoever is unknown.

    python face_recognition/web.py                  # opens the page; Ctrl-C ends it
    python face_recognition/web.py --faces my_people --no-open
    python face_recognition/web.py --host 0.0.0.0 --token choose1one    # for others in this network, who need the token
    curl --data-binary @photo.jpg "http://127.0.0.1:8000/read?name=photo.jpg"    # what predict_static.py --json prints

Reads and writes the people of --faces (see enroll.py, people.py); photos stay on this computer. docs/web.md tells what
other programs can ask, and every error. Ask people before you enrol them.
Exit code: 1 the page could not be served, 2 wrong usage, 130 Ctrl-C.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from recognition import settings
from recognition.faces import detection, live
from recognition.library import everywhere
from recognition.media.frames import Frame
from recognition.media.tracking import iou
from recognition.names import check_person
from recognition.people import cut_outs, enrolment, photo_files, recognizers
from recognition.people.database import FACES
from recognition.shared import opening
from recognition.web import app, server

REFRESH = 0.5  # seconds from one look at --faces to the next
CONSENT = "consent=yes: say that this person was asked, and agrees to be recognised here"


@dataclass
class Config:
    detector: Literal["auto", "yunet", "hog", "cnn"] = "auto"  # finds faces; yunet is best and fastest, cnn is slow
    recognizer: Literal["auto", "sface", "dlib", "cnn", "vggface"] = "auto"  # names faces; cnn: trained by train.py
    faces: str = str(FACES)  # folder of people, each a folder of photos; or the address of a shared gallery
    library: Path | None = None  # of photos, where names change, too; default: data/library.sqlite of data/faces
    model: str = "faces"  # of the cnn, its name in models/
    weights: Path | None = None  # of vggface, an .h5 file
    accept: float = 0.01  # share of strangers that may be given a name, 0 to 1; lower names fewer of both
    host: str = "127.0.0.1"  # address to listen on; 0.0.0.0 lets others in, who need --token
    port: int = 8000  # or the next one that is free
    token: str | None = None  # letters and digits that the address then has, and without which nothing is answered
    open: bool = True  # open the browser where there is a display; --no-open only prints the address


class Faces:
    """What the page asks for."""

    def __init__(self, config: Config):
        self._config = config
        self._detector = detection.load_detector(config.detector)
        self._quick = detection.load_detector(config.detector, "quick")
        self._recognizer = opening.load(
            config.recognizer, config.faces, self._detector, config.accept, config.model, config.weights
        )
        self._people = getattr(self._recognizer, "people", None) or opening.open_people(
            config.faces, self._detector, recognizers.load_embedder("auto")
        )
        self._refreshed, self._changes = time.monotonic(), 0
        self.actions = {
            "people": self.list_people,
            "portrait": self.portrait,
            "enroll": self.enroll,
            "rename": self.rename,
            "merge": self.merge,
            "forget": self.forget,
        }

    def read(self, frame: Frame) -> str:
        """Return what predict_static.py --json prints of a photo."""
        self._refresh()
        found = self._detector.detect(frame.image)
        matches = self._recognizer.identify(frame.image, found)
        seen = [live.Seen(face.box, match, face) for face, match in zip(found, matches, strict=True) if match.human]
        return live.json_line(frame.source, frame.index, seen, frame.scale)

    def watch(self, _options: dict) -> Callable[[Frame], str]:
        """Return what tells of a camera, frame after frame, what webcam.py --json prints."""
        watcher, known = live.Watcher(self._quick, self._recognizer), self._changes

        def watch(frame: Frame) -> str:
            nonlocal known
            self._refresh()
            if known != self._changes:  # somebody was enrolled or forgotten
                watcher.embed_anew()
                known = self._changes
            return live.json_line(frame.source, frame.index, watcher.watch(frame.image, frame.seconds))

        return watch

    def _refresh(self, now: bool = False) -> None:
        """Take in what was enrolled or forgotten, here or by another program."""
        if now or time.monotonic() - self._refreshed > REFRESH:
            self._refreshed = time.monotonic()
            self._changes += self._recognizer.refresh()

    def list_people(self, _options: dict, _frame: Frame | None) -> dict:
        """Return the names of all people, how many photos each has, and how often they changed since the start."""
        self._refresh(now=True)
        people = [{key: row[key] for key in ("name", "photos")} for row in self._people.describe()]
        return {"people": people, "changes": self._changes}

    def portrait(self, options: dict, _frame: Frame | None) -> bytes:
        """Return a picture of the person `name`, as a JPEG."""
        name = self._people.existing(options.get("name", ""))
        return photo_files.encode(cut_outs.portrait(self._people.pictures(name), self._quick, 96))

    def enroll(self, options: dict, frame: Frame | None) -> dict:
        """Add the face in `box`, x1,y1,x2,y2, or the one that a picture is of, to the person `name`; list everybody.

        `force`: also where it looks like somebody else."""
        if options.get("consent") != "yes":
            raise settings.UserError(CONSENT, 2)
        name, others = check_person(options.get("name", "")), self._people.names()
        if frame is None:
            raise settings.UserError("no picture: send one, and the name of whom it shows", 2)
        faces = self._detector.detect(frame.image)
        if box := app.box_of(options, frame.scale):
            over = iou(np.array([face.box for face in faces], float).reshape(-1, 4), np.array([box], float))
            if not (over > enrolment.OVERLAP).any():  # a neighbour's face may reach into the box
                raise settings.UserError("no face there: click on another one, or take another photo")
            faces = [faces[int(over.argmax())]]
        enrolment.enroll_frame(self._people, name, frame.image, faces, "force" in options)
        if not hasattr(self._recognizer, "people"):
            settings.say(f"{name}: unknown to the cnn till you {recognizers.TRAIN}")
        return self.list_people(options, None) | {"new": self._people.spelling(name) not in others}

    def rename(self, options: dict, _frame: Frame | None) -> dict:
        """Give the person `name` the name `new`, in the photo library, too; list everybody."""
        library = everywhere.open_library(self._config.library, self._config.faces)
        everywhere.rename(self._people, library, options.get("name", ""), options.get("new", ""))
        return self.list_people(options, None)

    def merge(self, options: dict, _frame: Frame | None) -> dict:
        """Give the photos of the person `name` to the person `into`; list everybody.

        `force`: also where they look like two people."""
        library = everywhere.open_library(self._config.library, self._config.faces)
        names = options.get("name", ""), options.get("into", "")
        everywhere.merge(self._people, library, *names, force="force" in options)
        return self.list_people(options, None)

    def forget(self, options: dict, _frame: Frame | None) -> dict:
        """Delete the photos and numbers of the person `name` for good; list everybody else, and what is left to do."""
        config = self._config
        done = everywhere.forget(self._people, options.get("name", ""), config.library, config.faces, lambda *_: True)
        return self.list_people(options, None) | {"forgot": done}


def main(config: Config) -> int:
    recognizers.check(config.recognizer, config.accept, config.model, config.weights)
    return server.serve("faces", lambda: Faces(config), config)


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
