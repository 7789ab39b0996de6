"""Faces cut out of photos and videos, as files: FOLDER/NAME/PHOTO.jpg, and FOLDER/unknown/ for whoever has no name."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from recognition.faces import alignment, detection
from recognition.faces.live import Seen
from recognition.faces.tracks import quality_of
from recognition.files import make_folder, shortened, write_atomically
from recognition.media.frames import Frame, read_image
from recognition.people.embed_photos import Photo
from recognition.people.enrolment import cut_out
from recognition.people.photo_files import encode
from recognition.settings import UserError


class CutOuts:
    """Writes the faces of photos at once, and of videos the best view of everybody who was followed, at the end.

    Only the user can read what it makes. A context manager; without a `folder` it does nothing.
    """

    def __init__(self, folder: str | None, people: Path | None):
        """`people`: the folder of people, if it is one. There, cut-outs would become photos of them: UserError."""
        self._folder, self._used = folder and Path(folder), set()
        self._views: dict[int, tuple[float, str, bytes, Seen]] = {}  # of those who are followed: the best one so far
        if self._folder and people and self._folder.resolve().is_relative_to(people.resolve()):
            raise UserError(f"--crops {folder}: would become photos of people there: choose another one", 2)
        if self._folder and not self._folder.exists():
            make_folder(self._folder, "--crops", private=True)

    def __enter__(self) -> "CutOuts":
        return self

    def __exit__(self, *_: object) -> None:
        for _, source, content, one in self._views.values():
            self._write(source, content, one.name)

    def photo(self, frame: Frame, seen: list[Seen]) -> None:
        """Write every face of a photo; its frame must not be drawn on yet."""
        for one in seen if self._folder else []:
            self._write(Path(frame.source).stem, encode(cut_out(frame.image, one.face)), one.name)

    def video(self, frame: Frame, seen: list[Seen]) -> None:
        """Keep the faces of a frame that are better seen than in the frames before; it must not be drawn on yet."""
        for one in seen if self._folder else []:
            quality = quality_of(one.face) if one.face else 0.0
            if quality > self._views.get(id(one.who), (0.0,))[0]:
                source = f"{Path(frame.source).stem} {frame.seconds:.1f} s"
                self._views[id(one.who)] = quality, source, encode(cut_out(frame.image, one.face)), one

    def _write(self, stem: str, content: bytes, name: str | None) -> None:
        folder, number = make_folder(self._folder / (name or "unknown"), "--crops", private=True), 1
        path = folder / f"{shortened(stem)}.jpg"
        # Several faces of a photo, photos of the same name from two folders, or a file that is there, the photo even
        while path in self._used or (path.exists() and path.read_bytes() != content):
            number += 1
            path = folder / f"{shortened(stem)}-{number}.jpg"
        self._used.add(path)
        write_atomically(path, lambda file: file.write_bytes(content), private=True)


def portrait(photos: Iterable[Photo], detector, side: int = 200) -> np.ndarray:
    """Return the face of the first photo that shows one well, BGR uint8 (side, side, 3); gray if none does."""
    for photo, content in photos:
        try:
            frame = read_image(photo, content)
        except UserError:
            continue
        face = detection.main_face(frame, detector.detect(frame, main=True))
        if face:
            return alignment.align(frame, face.landmarks, side, 0.5)
    return np.full((side, side, 3), 128, np.uint8)
