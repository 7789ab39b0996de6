"""Aligned faces, as the networks that train.py trains take them, and folders of photos turned into them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from recognition.faces.alignment import align_precisely
from recognition.faces.detection import RIVAL, Face
from recognition.faces.labelled_photos import MainFaces, list_people
from recognition.media.frames import SUFFIXES
from recognition.models.litert import Model
from recognition.settings import UserError, say

BATCH = 32  # crops that go through a network at once


@dataclass(frozen=True)
class Form:
    """How a network takes faces: pixels a side; margin in sizes of the face: ears and chin, little background."""

    size: int
    gray: bool
    padding: float = 0.25

    def __str__(self) -> str:
        """What the card of a model says; one that was trained on other crops is refused."""
        kind = "gray" if self.gray else "RGB"
        return f"{kind} {self.size}x{self.size}, aligned precisely, padding {self.padding}"

    def crop(self, frame: np.ndarray, faces: list[Face], margin: float = 0.0) -> np.ndarray:
        """Return the faces of a BGR frame, aligned, uint8, gray (N, size, size) or RGB (N, size, size, 3).

        `margin`: so much more on each side.
        """
        side = round(self.size * (1 + 2 * margin))
        crops = crops_of(frame, faces, side, ((1 + 2 * self.padding) * (1 + 2 * margin) - 1) / 2)
        if not self.gray:
            return np.ascontiguousarray(crops[..., ::-1])
        return np.stack([cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY) for crop in crops]) if len(crops) else crops[..., 0]


FORMS = {"faces": Form(200, gray=True), "embedding": Form(150, gray=False)}  # by the network's architecture


def similarities(model: Model, crops: np.ndarray) -> np.ndarray:
    """Return how alike each crop and each person are, float32 (N, people), to 1; the mean with the mirror image."""
    return (model.predict(crops, BATCH) + model.predict(crops[:, :, ::-1], BATCH)) / 2


def with_channels(crops: np.ndarray) -> np.ndarray:
    """Return crops as Keras wants them, (N, H, W, channels)."""
    return crops if crops.ndim == 4 else crops[..., None]


@dataclass
class Photos:
    """The faces in a folder of people: crops uint8 (N, H, W) or (N, H, W, 3), labels int (N,) into names; skipped,
    photos not used; sha256, over the names and the bytes of the photos that were used."""

    crops: np.ndarray
    labels: np.ndarray
    names: list[str]
    skipped: list[str]
    sha256: str


def load_photos(folder: Path, detector, form: Form, margin: float) -> Photos:
    """Return the face of every photo FOLDER/NAME/*; photos without one, and people without photos, are named.

    Raises UserError where there is no such folder or not a single face.
    """
    people = list_people(folder)
    photos = MainFaces(people, detector, RIVAL)
    crops, owners, digest = [], [], hashlib.sha256()
    for photo, face in photos:
        path = Path(photo.source)
        crops.append(form.crop(photo.image, [face], margin)[0])
        owners.append(path.parent.name)
        digest.update(f"{path.parent.name}/{path.name}\0".encode("utf-8", "surrogateescape"))
        digest.update(path.read_bytes())
    if not crops:
        raise UserError(f"{folder}: no photo with a face: put photos into {folder}/NAME/")
    names = sorted(set(owners))
    for person in people:
        if person.name not in names:
            say(f"{person}: no photo that can be used, left out")
    labels = np.array([names.index(owner) for owner in owners])
    return Photos(np.stack(crops), labels, names, photos.faceless + photos.unreadable, digest.hexdigest())


def load_strangers(folder: Path, detector, form: Form) -> np.ndarray:
    """Return the main face of every photo in a folder and its subfolders, uint8, N crops."""
    if not folder.is_dir():
        raise UserError(f"{folder} not found: name a folder of photos of other people with --strangers", 2)
    folders = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    filled = [path for path in folders if any(file.suffix.lower() in SUFFIXES for file in path.iterdir())]
    crops = [form.crop(photo.image, [face]) for photo, face in MainFaces(filled, detector)]
    if not crops:
        raise UserError(f"{folder}: no photo with a face", 2)
    return np.concatenate(crops)


def crops_of(frame: np.ndarray, faces: list[Face], size: int, padding: float) -> np.ndarray:
    """Return the faces of a BGR frame, aligned, BGR uint8 (N, size, size, 3)."""
    crops = [align_precisely(frame, face.landmarks, size, padding) for face in faces]
    return np.stack(crops) if crops else np.zeros((0, size, size, 3), np.uint8)
