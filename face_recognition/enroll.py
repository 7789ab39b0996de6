"""Enrol people: from then on they are recognised, at once and without training.

    python face_recognition/enroll.py "Ada Lovelace" ada.jpg          # one photo is enough, a few are better
    python face_recognition/enroll.py Ada photos/ada "more/ada*.png"  # folders, and those in them; patterns
    python face_recognition/enroll.py Ada film.mp4                    # good frames of a video that shows one person
    python face_recognition/enroll.py Ada --source 0                  # the webcam: Enter takes a photo, q ends
    python face_recognition/enroll.py --each my_people                # a folder of folders, each a person's photos

Photos are copied into --faces, a subfolder for each person; nothing leaves this computer. One line a photo tells
whether it was enrolled and, if not, why. Ask people before you enrol them; people.py forgets them again.
Exit code: 0 all photos are enrolled, 1 some could not be (the others are), 2 wrong usage.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import tyro

from recognition import progress, settings
from recognition.faces import detection
from recognition.faces.labelled_photos import list_people
from recognition.media import cameras, canvas, frames, sinks, videos, windows
from recognition.names import check_person
from recognition.people import enrolment, photo_files, recognizers
from recognition.people.database import FACES, People
from recognition.shared import opening

KEYS = {"Enter": "take the photo"}
NOTE = 4.0  # seconds that a note is shown


@dataclass
class Config:
    # the person, then images, folders, patterns or videos
    name_and_paths: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="NAME PATH...")] = ()
    source: str | None = None  # instead of paths: number of a webcam, device or URL of a stream
    size: tuple[int, int] = (1280, 720)  # width and height asked of a webcam, pixels
    each: Path | None = None  # folder of folders: each of them a person, named like it
    photos: int = 5  # at most so many frames of a video
    force: bool = False  # also enrol faces that look like somebody else who is enrolled, or like no person
    faces: str = str(FACES)  # folder of people, each a folder of photos; or the address of a shared gallery
    detector: Literal["auto", "yunet", "hog", "cnn"] = "auto"  # finds faces
    recognizer: Literal["auto", "sface", "dlib"] = "auto"  # tells people apart; the other looks at the photos later
    json: bool = False  # print JSON Lines instead of text

    name = property(lambda self: self.name_and_paths[0])
    paths = property(lambda self: self.name_and_paths[1:])

    @property
    def folders(self) -> list[Path]:
        """The folders of --each, one for each person."""
        return [self.each / name for name in sorted(list_people(self.each))] if self.each else []


def check(config: Config) -> None:
    """Raise UserError for a command line that says too little or contradicts itself."""
    if config.each and (config.name_and_paths or config.source):
        raise settings.UserError("--each takes the names from the folders: leave out NAME, PATH and --source", 2)
    if config.each and not config.folders:
        raise settings.UserError(f"--each {config.each}: no folder with a folder for each person in it", 2)
    if not config.each:
        if not config.name_and_paths:
            raise settings.UserError('name the person and a photo, for example "Ada Lovelace" ada.jpg', 2)
        check_person(config.name)
        if bool(config.paths) == bool(config.source):
            raise settings.UserError(f"what shows {config.name}? Name photos or a video, or --source 0 (webcam)", 2)
    if config.photos < 1:
        raise settings.UserError(f"--photos {config.photos}: must be 1 or more", 2)


class Enroller:
    """Enrols people and prints a line for each photo; `refused` counts those that could not be enrolled."""

    def __init__(self, database: People, config: Config):
        self.refused = 0
        self._database, self._config = database, config

    def photos(self, named: list[tuple[str, str]]) -> None:
        """Enrol images, or those of folders and patterns, as they are; `named`: whose they are, and where."""
        sources = [
            (name, frames.FrameSource([path], partial(self._refuse, name), subfolders=True)) for name, path in named
        ]
        files = [(name, path) for name, source in sources for path in source.files()]
        looked = ((path, None) for _, path in files)
        embedded = self._database.embed_photos(looked, enrolment.refusal, anybody=self._config.force)
        for (name, path), (embedding, reason) in progress.watched(
            zip(files, embedded, strict=True), len(files), "photo"
        ):
            if reason:
                self._refuse(name, str(path), reason)
            else:
                self._enroll(name, str(path), enrolment.enroll, path.read_bytes(), embedding)

    def video(self, name: str, path: str) -> None:
        """Enrol the best frames of a video."""
        try:
            source = videos.VideoSource(path)
            found = enrolment.best_frames(progress.watched(source, source.count), self._database, self._config.photos)
        except settings.UserError as error:
            self._refuse(name, path, str(error))
            return
        if not found:
            self._refuse(name, path, "no frame shows one face well, from the front, sharp and alone")
        for frame, face in found:
            self._enroll(name, f"{path} at {frame.seconds:.1f} s", enrolment.enroll_frame, frame.image, [face])

    def live(self, name: str) -> bool:
        """Show the camera, and enrol what it sees at each Enter, till the user ends it; tell whether it worked."""
        if not windows.has_display():
            raise settings.UserError("--source needs a display to show the picture: enrol from photos or a video", 2)
        source = cameras.open_source(self._config.source, self._config.size)
        note, noted = "", 0.0
        with sinks.VideoSink(None, True, source, KEYS, title=f"enrol {name}") as sink:
            for frame in source:
                image = frame.image.copy()
                found = self._database.detector.detect(image)
                reason = enrolment.refusal(image, found)
                for face in found:
                    canvas.draw_box(frame.image, face.box, "", canvas.ORANGE if reason else canvas.GREEN)
                told = note if time.monotonic() < noted + NOTE else reason or "Enter takes the photo, q ends"
                canvas.draw_text(frame.image, "", told)
                if sink.show(frame) in ("\r", "\n"):
                    taken = f"{frame.source} frame {frame.index}"
                    note = self._enroll(name, taken, enrolment.enroll_frame, image, found)
                    noted = time.monotonic()
                if sink.quit:
                    break
        return not source.failed

    def _enroll(self, name: str, source: str, enroll: Callable[..., Path], *what: object) -> str:
        """Enrol a person by one of two ways, print how that went and return it in a few words."""
        try:
            path = enroll(self._database, name, *what, force=self._config.force)
        except photo_files.AlreadyThere as error:
            return self._print(name, source, str(error), reason=str(error))
        except settings.UserError as error:
            return self._refuse(name, source, str(error))
        return self._print(name, source, f"enrolled as {path.parent.name}", path)

    def _refuse(self, name: str, source: str, reason: str) -> str:
        self.refused += 1
        reason = reason.removeprefix(f"{source}: ")
        return self._print(name, source, f"refused: {reason}", reason=reason)

    def _print(self, name: str, source: str, said: str, path: Path | None = None, reason: str | None = None) -> str:
        line = {"source": source, "name": name, "enrolled": path is not None}
        line |= {"photo": path and str(path), "reason": reason}
        print(json.dumps(line) if self._config.json else f"{source}: {said}", flush=True)
        return said


def is_video(path: str) -> bool:
    """Tell whether a path is a stream or a file that is no image."""
    file = Path(path).expanduser()
    return "://" in path or (file.is_file() and file.suffix.lower() not in frames.SUFFIXES)


def main(config: Config) -> int:
    check(config)
    persons = [(folder.name, (str(folder),)) for folder in config.folders] or [(config.name, config.paths)]
    detector, embedder = detection.load_detector(config.detector), recognizers.load_embedder(config.recognizer)
    database = opening.open_people(config.faces, detector, embedder, may_be_new=True)
    enroller = Enroller(database, config)
    if config.source:
        return 0 if enroller.live(config.name) else 1
    named = [(name, path) for name, paths in persons for path in paths]
    enroller.photos([(name, path) for name, path in named if not is_video(path)])
    for name, path in named:
        if is_video(path):
            enroller.video(name, path)
    return 1 if enroller.refused else 0


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
