"""Folders of photos of people, turned into aligned faces to train on."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recognition.faces.crops import Form
from recognition.faces.detection import RIVAL
from recognition.faces.labelled_photos import MainFaces, people_folders
from recognition.media.frames import SUFFIXES
from recognition.settings import UserError, say


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
    people = people_folders(folder)
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


def folds(labels: np.ndarray, count: int, share: float) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield for each fold which photos to train on, which to hold back, and which show people who are left out, int.

    Everybody is left out once, unless there are two people only, and is a stranger to what is trained then. Of each
    other's photos a share is held back, in each fold other ones; one at least, and one at least is trained on.
    `count`: at least 3, so that two people stay.
    """
    people = labels.max() + 1
    for fold in range(min(count, people)):
        out = (labels % min(count, people) == fold) & (people > 2)
        held_back = []
        for person in np.unique(labels[~out]):
            own = np.flatnonzero(labels == person)
            some = min(max(1, round(share * len(own))), len(own) - 1)
            held_back += own[(fold * some + np.arange(some)) % len(own)].tolist()
        yield np.setdiff1d(np.flatnonzero(~out), held_back), np.array(sorted(held_back), int), np.flatnonzero(out)
