"""Photos that are known to show somebody, FOLDER/NAME/*, and the face that each of them is of."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from recognition.faces.detection import Face, main_face
from recognition.files import is_text
from recognition.media.frames import Frame, FrameSource
from recognition.progress import ahead, watched
from recognition.settings import UserError, say


def list_people(folder: Path) -> dict[str, int]:
    """Return the people of a folder, FOLDER/NAME/, each with the time of change (ns) of the folder; none without it."""
    people = {}
    for entry in os.scandir(folder) if os.path.isdir(folder) else ():
        with contextlib.suppress(OSError):  # gone meanwhile
            if not entry.name.startswith(".") and is_text(entry.name) and entry.is_dir():
                people[entry.name] = entry.stat().st_mtime_ns
    return people


def people_folders(folder: Path) -> list[Path]:
    """Return the folders of people in a folder, sorted; raise UserError where there are none."""
    if not folder.is_dir():
        raise UserError(f"{folder}: cannot be listed (no such folder): name a folder of people", 2)
    people = [folder / name for name in sorted(list_people(folder))]
    if not people:
        raise UserError(f"{folder}: no folders of people in it: put photos into {folder / 'NAME'}", 2)
    return people


class MainFaces:
    """The photos of files and folders, each with the face that it is of: iterate once.

    `rival`: see detection.main_face. Then `faceless` and `unreadable` list the photos, and folders, that have none.
    """

    def __init__(self, paths: list[Path], detector, rival: float = 1.0, count: int | None = None):
        """`count`: of the photos, if known."""
        self._source, self._detector, self._rival, self._count = (
            FrameSource(list(map(str, paths))),
            detector,
            rival,
            count,
        )
        self.faceless: list[str] = []
        self.unreadable = self._source.failed

    def __iter__(self) -> Iterator[tuple[Frame, Face]]:
        for photo, found in watched(ahead(self._detected()), self._count, "photo"):
            face = main_face(photo.image, found, self._rival)
            if face:
                yield photo, face
            else:
                self.faceless.append(photo.source)
                say(f"{photo.source}: {'several faces and none stands out' if found else 'no face found'}")

    def _detected(self) -> Iterator[tuple[Frame, list[Face]]]:
        for photo in self._source:
            yield photo, self._detector.detect(photo.image, main=True)
