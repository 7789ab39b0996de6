"""The images of a few classes that are being collected, FOLDER/CLASS/*.jpg: take one, undo, count."""

import contextlib
import math
import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from recognition.files import sha256, write_atomically
from recognition.media.scenes import alike, thumbnail
from recognition.names import check_name, printable
from recognition.objects import class_folders
from recognition.settings import UserError

MOST = 9  # classes: one for each of the keys 1 to 9
RATE = 8.0  # images a second, at most, while a key is held
SAME = 0.999  # correlation above which a picture shows nothing new; noise stays above 0.9999, 1 % to the side below
PAUSE = 1.5  # seconds without the key after which another batch begins; a held key first repeats after 0.7
SIDE = 640  # pixels of an image's longer side: more than any backbone looks at
QUALITY = 95  # of the JPEG files
THUMBNAIL = 32, 18


def check_names(names: Sequence[str]) -> list[str]:
    """Return the names of two to nine classes as their folders have them. Raises UserError for others."""
    names = [check_name(name) for name in names]
    seen: dict[str, str] = {}
    for name in names:
        key = key_of(name)
        if key in seen:
            raise UserError(f"the class '{name}' is named twice, as '{seen[key]}' before: name each once", 2)
        seen[key] = name
    if len(names) > MOST:
        raise UserError(f"{len(names)} classes: at most {MOST}, one for each of the keys 1 to {MOST}", 2)
    if len(names) < 2:
        only = f"only one class, {names[0]}" if names else "no class"
        raise UserError(f"{only}: two at least can be told apart: name them, for example cat dog other", 2)
    return names


def images_in(folder: Path) -> dict[str, list[str]]:
    """Return the images, as paths relative to a folder of classes, of each class that has some; {} if none has."""
    if not folder.exists():
        return {}
    try:
        return class_folders.scan(folder).files
    except UserError:
        if not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise
        return {}  # there are folders without images, or none


def key_of(name: str) -> str:
    """Return what names have in common that are one folder's to macOS and Windows: capitals make no other."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


class Collection:
    """The images of some classes in a folder, those of earlier runs with them.

    `files`: paths relative to the folder, with "/", of every class, in the order of the keys. Only what this program
    has taken is ever deleted.
    """

    def __init__(self, folder: Path, names: Sequence[str]):
        """Raises UserError where the folder has images of other classes, too: they would be learned with these."""
        there = images_in(folder)
        spelled = {key_of(name): name for name in there}
        names = [spelled.get(key_of(name), name) for name in names]
        if others := [printable(name) for name in there if name not in names]:
            raise UserError(
                f"{folder} has images of {class_folders.shorten(others)}, too: "
                f"name {'that class' if len(others) == 1 else 'those classes'} as well, or choose another --folder",
                2,
            )
        self.folder = folder
        self.files = {name: list(there.get(name, [])) for name in names}
        self._batches: list[tuple[str, list[str]]] = []
        self._last: dict[str, np.ndarray] = {}  # thumbnail of each class's last image
        self._pressed = self._taken = -math.inf

    @property
    def counts(self) -> dict[str, int]:
        return {name: len(files) for name, files in self.files.items()}

    def take(self, name: str, image: np.ndarray, seconds: float) -> str | None:
        """Save a BGR frame of that time as one more image of a class; return its path, relative, or None.

        It is not taken where it looks as the last one of its class does, or where that was taken just now.
        """
        if seconds - self._pressed > PAUSE or not self._batches or self._batches[-1][0] != name:
            self._batches.append((name, []))
        self._pressed = seconds
        if seconds - self._taken < 1 / RATE:
            return None
        view = thumbnail(image, THUMBNAIL)
        if name in self._last and alike(self._last[name], view) > SAME:
            return None
        scale = min(1.0, SIDE / max(image.shape[:2]))
        size = max(1, round(scale * image.shape[1])), max(1, round(scale * image.shape[0]))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image
        content = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
        file = f"{name}/{sha256(content)[:16]}.jpg"
        if file in self.files[name]:  # the very same picture as some time before
            return None
        (self.folder / name).mkdir(parents=True, exist_ok=True)
        write_atomically(self.folder / file, lambda path: path.write_bytes(content))
        self._taken, self._last[name] = seconds, view
        self._batches[-1][1].append(file)
        self.files[name].append(file)
        return file

    def undo(self) -> tuple[str, int] | None:
        """Delete the last batch, what was taken while a key was held; return its class and how many; None if none."""
        while self._batches:
            name, files = self._batches.pop()
            if not files:
                continue
            for file in files:
                (self.folder / file).unlink(missing_ok=True)
                self.files[name].remove(file)
            with contextlib.suppress(OSError):  # only if it is empty
                (self.folder / name).rmdir()
            self._last.pop(name, None)
            self._taken = self._pressed = -math.inf
            return name, len(files)
        return None
