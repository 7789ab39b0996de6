"""The photos of people as files: FOLDER/NAME/PHOTO. Written, moved and deleted such that a kill loses nothing."""

import contextlib
import io
import os
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from recognition.files import is_text, move_new, names_like, sha256
from recognition.media.frames import SUFFIXES, open_image
from recognition.settings import UserError, say

PARTIAL = ".partial"
ABANDONED = 60  # seconds after which a half-written photo has no writer any more


class AlreadyThere(UserError):
    """A person has that photo, or one that shows the same."""


def changed(folder: Path) -> int:
    """Return the time of change (ns) of the folder of people; 0 where there is none."""
    try:
        return os.stat(folder).st_mtime_ns
    except FileNotFoundError:
        return 0


def list_photos(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size in bytes and time of change (ns) of a person's photos by their names; clear what a kill left."""
    photos = {}
    for entry in os.scandir(folder):
        with contextlib.suppress(OSError):  # gone meanwhile
            suffix = os.path.splitext(entry.name)[1].lower()
            if entry.name.startswith("."):
                if suffix == PARTIAL and time.time() - entry.stat(follow_symlinks=False).st_mtime > ABANDONED:
                    os.unlink(entry.path)
            elif suffix in SUFFIXES and not entry.is_dir() and is_text(entry.name):
                state = entry.stat()
                photos[entry.name] = state.st_size, state.st_mtime_ns
    return photos


def own_folder(folder: Path, name: str) -> Path:
    """Return the folder of a person. Raises UserError for a link: what it leads to is not ours to change."""
    path = folder / name
    if path.is_symlink():
        raise UserError(f"{path}: a link to {os.path.realpath(path)}: nothing is changed there; replace it by a folder")
    return path


def encode(frame: np.ndarray) -> bytes:
    """Return a BGR frame as the bytes of a JPEG file without loss that a descriptor would notice."""
    settings = [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return cv2.imencode(".jpg", frame, settings)[1].tobytes()


def file_of(content: bytes) -> str:
    """Return the name that an image file gets, by its hash."""
    with open_image(io.BytesIO(content)) as image:
        kind = {"JPEG": "jpg", "MPO": "jpg", "TIFF": "tif"}.get(image.format, image.format.lower())
    return f"{sha256(content)[:16]}.{kind}"


def write_photo(folder: Path, content: bytes) -> Path:
    """Write an image file into a person's folder, whole or not at all, named by its hash; return its path.

    Raises AlreadyThere for the same photo, UserError where there is no room.
    """
    path = folder / file_of(content)
    try:
        for _ in range(3):  # somebody may forget this person at the same moment
            folder.mkdir(0o700, parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                _write_new(path, content)
                return path
    except FileExistsError:
        raise AlreadyThere("already there: the same photo") from None
    except OSError as error:
        with contextlib.suppress(OSError):
            folder.rmdir()  # if it is empty
        raise UserError(f"{folder}: cannot be written to ({error.strerror}): make room, check permissions") from None
    raise UserError(f"{folder}: is deleted again and again by another program")


def write_as(folder: Path, file: str, content: bytes) -> str:
    """Write a photo into a person's folder under that name, or one like it that no file has; return the name."""
    names = names_like(file)
    while True:
        with contextlib.suppress(FileExistsError):
            _write_new(folder / (name := next(names)), content)
            return name


def _write_new(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(PARTIAL, ".", path.parent)  # mode 0600
    try:
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        move_new(Path(temporary), path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def names_there(source: Path, into: Path, names: Iterable[str] | None = None) -> dict[str, str]:
    """Return what photos of one person's folder, all unless `names` are given, will be called in another's, by their
    names; of one that is there already, what it is called there."""
    found, taken = {}, set()
    for name in list_photos(source) if names is None else names:
        for free in names_like(name):
            if not os.path.lexists(into / free) and free not in taken:
                taken.add(free)
                break
            if _is_same(source / name, into / free):
                break
        found[name] = free
    return found


def move_photos(source: Path, into: Path, names: dict[str, str]) -> dict[str, str]:
    """Move photos of one person's folder to another's, and return their names there by those of before.

    `names`: see names_there; where one is taken meanwhile it becomes another. Photos that are there already go, and so
    does the folder when it is empty; if other files than photos are left in it, they are told of.
    """
    moved = {}
    for name, wanted in names.items():
        for free in names_like(wanted):
            try:
                move_new(source / name, into / free)
                moved[name] = free
                break
            except FileExistsError:
                if _is_same(source / name, into / free):
                    os.unlink(source / name)
                    break
            except FileNotFoundError:  # moved or forgotten by another program
                break
    try:
        source.rmdir()
    except OSError:  # what a file manager keeps there must not stop a merge half-way
        with contextlib.suppress(FileNotFoundError):
            if not list_photos(source):  # else some were not meant, or another program has just enrolled them
                say(f"{source}: the photos were moved; other files are left there: delete it if nobody needs them")
    return moved


def _is_same(photo: Path, other: Path) -> bool:
    return other.is_file() and other.read_bytes() == photo.read_bytes()
