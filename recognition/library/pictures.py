"""Pictures of a library's people on a sheet, and photos of somebody as copies or links in a folder."""

import contextlib
import itertools
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from recognition.evaluation.sheets import save_sheet
from recognition.faces.alignment import align
from recognition.files import make_folder, move_new, read_bytes, shortened
from recognition.library.naming import Library
from recognition.library.tables import KnownFace
from recognition.people.places import without_place
from recognition.settings import UserError, counted

GROUPS, FACES, SIDE = 50, 6, 200  # on a sheet: groups, at most, faces of each, and pixels of a face
WHITE = np.full((SIDE, SIDE, 3), 255, np.uint8)


def save_groups(library: Library, path: Path) -> int:
    """Save a picture with some faces of each of the largest groups and their numbers; return how many groups."""
    groups, images, titles = library.groups()[:GROUPS], [], []
    for group in groups:
        faces = {one.content: one for one in reversed(group.faces)}  # the clearest of each photo
        shown = [_portrait(library, one) for one in list(reversed(faces.values()))[:FACES]]
        images += shown + [WHITE] * (FACES - len(shown))
        titles += [f"{group.number}: {counted(group.photos, 'photo')}"] + [""] * (FACES - 1)
    if groups:
        save_sheet(images, titles, path, FACES, private=True)
    return len(groups)


def _portrait(library: Library, one: KnownFace) -> np.ndarray:
    """Return a face of a photo, upright, BGR uint8 (SIDE, SIDE, 3); gray if the photo is gone or changed."""
    with contextlib.suppress(UserError):
        return align(library.image(one.content), one.face.landmarks, SIDE, 0.5)
    return np.full((SIDE, SIDE, 3), 128, np.uint8)


class Folder:
    """A folder that photos are copied into, or linked from, never over others; without a `folder` it does nothing.

    The copies do not say where the photos were taken.
    """

    def __init__(self, folder: Path | None, link: bool, people: Path | None):
        """`people`: the folder of people, if it is one. There, copies would become photos of them: UserError."""
        flag = "--link" if link else "--copy"
        if folder and people and folder.resolve().is_relative_to(people.resolve()):
            raise UserError(f"{flag} {folder}: would become photos of people there: choose another one", 2)
        self._folder, self._link, self._put = folder and make_folder(folder, flag, private=True), link, set()

    def put(self, photo: Path, content: int) -> None:
        """Put a photo there, under a name of its own, unless it, or another one with the same content, is there.

        Raises FileNotFoundError for a photo that is gone.
        """
        if self._folder and content not in self._put:
            os.stat(photo)  # a link would be made to nothing
            self._place(photo)
            self._put.add(content)

    def _place(self, photo: Path) -> None:
        for number in itertools.count(1):
            stem = shortened(photo.stem)
            target = self._folder / (f"{stem}-{number}{photo.suffix}" if number > 1 else f"{stem}{photo.suffix}")
            if target.is_symlink() or target.exists():
                if self._is_there(photo, target):
                    return
            else:
                with contextlib.suppress(FileExistsError):  # another program has just taken the name
                    self._make(photo, target)
                    return

    def _is_there(self, photo: Path, target: Path) -> bool:
        if self._link or target.is_symlink():
            return self._link and target.is_symlink() and os.readlink(target) == str(photo)
        return target.is_file() and read_bytes(target) == without_place(read_bytes(photo))

    def _make(self, photo: Path, target: Path) -> None:
        if self._link:
            os.symlink(photo, target)
            return
        handle, temporary = tempfile.mkstemp(".partial", ".", self._folder)  # whole or not at all under its own name
        try:
            with open(handle, "wb") as file:
                file.write(without_place(read_bytes(photo)))
            shutil.copystat(photo, temporary)
            move_new(Path(temporary), target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
