"""Enrol people: from then on they are recognised, at once and without training.

    python face_recognition/enroll.py "Ada Lovelace" ada.jpg          # one photo is enough, a few are better
    python face_recognition/enroll.py Ada photos/ada "more/ada*.png"  # folders and patterns
    python face_recognition/enroll.py Ada film.mp4                    # good frames of a video that shows one person
    python face_recognition/enroll.py Ada --source 0                  # the webcam: Enter takes a photo, q ends
    python face_recognition/enroll.py --each my_people                # a folder of folders, each a person's photos

Photos are copied into --faces, a subfolder for each person; nothing leaves this computer. One line a photo tells
whether it was enrolled and, if not, why. Ask people before you enrol them; people.py forgets them again.
Exit code: 0 all photos were enrolled, 1 some were not (the others were), 2 wrong usage.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from recognition import cameras, draw, embeddings, enrolling, faces, frames, people, progress, settings, sinks, videos

KEYS = {"Enter": "take the photo"}


@dataclass
class Config:
    # the person, then images, folders, patterns or videos
    name_and_paths: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="NAME PATH...")] = ()
    source: str | None = None  # instead of paths: number of a webcam, device or URL of a stream
    size: tuple[int, int] = (1280, 720)  # width and height asked of a webcam, pixels
    each: Path | None = None  # folder of folders: each of them a person, named like it
    photos: int = 5  # at most so many frames of a video
    force: bool = False  # also enrol faces that look like somebody else who is enrolled
    faces: Path = people.FACES  # folder of people, each a folder of photos
    detector: Literal["auto", "yunet", "hog", "cnn"] = "auto"  # finds faces
    json: bool = False  # print JSON Lines instead of text

    @property
    def name(self) -> str:
        return self.name_and_paths[0]

    @property
    def paths(self) -> tuple[str, ...]:
        return self.name_and_paths[1:]


def check(config: Config) -> None:
    """Raise UserError for a command line that says too little or contradicts itself."""
    if config.each and (config.name_and_paths or config.source):
        raise settings.UserError("--each takes the names from the folders: leave out NAME, PATH and --source", 2)
    if config.each and not config.each.expanduser().is_dir():
        raise settings.UserError(f"--each {config.each}: no folder: name one that holds a folder for each person", 2)
    if not config.each and not config.name_and_paths:
        raise settings.UserError('name the person and a photo, for example "Ada Lovelace" ada.jpg', 2)
    if not config.each and bool(config.paths) == bool(config.source):
        raise settings.UserError(f"what shows {config.name}? Name photos or a video, or else --source 0 (webcam)", 2)
    if config.photos < 1:
        raise settings.UserError(f"--photos {config.photos}: must be 1 or more", 2)


class Report:
    """One line for each photo; `refused` counts those that were not enrolled."""

    def __init__(self, as_json: bool):
        self.refused, self._json = 0, as_json

    def tell(self, source: str, name: str, enroll: Callable[[], Path]) -> str:
        """Enrol a photo, print how that went and return it in a few words."""
        try:
            path, reason = enroll(), None
        except settings.UserError as error:
            path, reason = None, str(error)
            self.refused += 1
        if self._json:
            line = {"source": source, "name": name, "enrolled": path is not None}
            print(json.dumps(line | {"photo": path and str(path), "reason": reason}), flush=True)
        else:
            print(f"{source}: refused: {reason}" if reason else f"{source}: enrolled as {name}", flush=True)
        return reason or f"enrolled as {name}"

    def fail(self, source: str, name: str, reason: str) -> None:
        """Print that a photo was refused."""

        def enroll() -> Path:
            raise settings.UserError(reason)

        self.tell(source, name, enroll)


def enroll_photos(database: people.People, name: str, paths: tuple[str, ...], force: bool, report: Report) -> None:
    """Enrol images, folders and patterns as they are."""
    source = frames.FrameSource(list(paths))
    for frame in source:

        def enroll(frame: frames.Frame = frame) -> Path:
            content = Path(frame.source).read_bytes()
            return enrolling.enroll(database, name, frame.image, force=force, content=content)

        report.tell(frame.source, name, enroll)
    for path in source.failed:
        report.fail(path, name, "cannot be read")


def enroll_video(database: people.People, path: str, config: Config, report: Report) -> None:
    """Enrol a person from the best frames of a video."""
    try:
        source = videos.VideoSource(path)
        found = enrolling.best_frames(progress.watched(source, source.count), database, config.photos)
    except settings.UserError as error:
        report.fail(path, config.name, str(error))
        return
    if not found:
        report.fail(path, config.name, "no frame shows one face well, from the front, sharp and alone")
    for frame, face in found:

        def enroll(frame: frames.Frame = frame, face: faces.Face = face) -> Path:
            return enrolling.enroll(database, config.name, frame.image, face, config.force)

        report.tell(f"{path} at {frame.seconds:.1f} s", config.name, enroll)


def enroll_live(database: people.People, config: Config, report: Report) -> bool:
    """Show the camera, and enrol what it sees at each Enter, till the user ends it; tell whether it worked."""
    if not sinks.has_display():
        raise settings.UserError("--source needs a display to show the picture: enrol from photos or a video", 2)
    source = cameras.open_source(config.source, config.size)
    note = ""
    with sinks.VideoSink(None, True, source, KEYS, title=f"enrol {config.name}") as sink:
        for frame in source:
            image = frame.image.copy()
            found = database.detector.detect(image)
            reason = enrolling.refusal(image, found)
            for face in found:
                draw.draw_box(frame.image, face.box, "", draw.ORANGE if reason else draw.GREEN)
            draw.draw_text(frame.image, "", note or reason or "Enter takes the photo, q ends")
            pressed = sink.show(frame)
            if pressed in ("\r", "\n"):

                def enroll(image=image) -> Path:
                    return enrolling.enroll(database, config.name, image, force=config.force)

                note = report.tell(f"{frame.source} frame {frame.index}", config.name, enroll)
            elif frame.index % 60 == 0:
                note = ""
            if sink.quit:
                break
    return not source.failed


def main(config: Config) -> int:
    check(config)
    if not config.each:
        people.check_name(config.name)
    database = people.People(config.faces, faces.load_detector(config.detector), embeddings.DlibEmbedder())
    report = Report(config.json)
    if config.source:
        return 0 if enroll_live(database, config, report) else 1
    if config.each:
        for folder in sorted(path for path in config.each.expanduser().iterdir() if path.is_dir()):
            if not folder.name.startswith("."):
                enroll_photos(database, folder.name, (str(folder),), config.force, report)
    for path in config.paths:
        file = Path(path).expanduser()
        is_video = "://" in path or (file.is_file() and file.suffix.lower() not in frames.SUFFIXES)
        if is_video:
            enroll_video(database, path, config, report)
        else:
            enroll_photos(database, config.name, (path,), config.force, report)
    return 1 if report.refused else 0


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
