"""Folders of photos of people, turned into aligned faces to train on."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recognition.faces.crops import Form
from recognition.faces.detection import RIVAL
from recognition.faces.labelled_photos import MainFaces, people_folders
from recognition.media.frames import SUFFIXES
from recognition.settings import UserError, say
from recognition.training import augment_faces, datasets


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


def hold_back(photos: Photos, share: float) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray], str]:
    """Return which photos to train on, int; the images and labels to validate on; and in words what these are."""
    kept, held_back = datasets.split(photos.labels, share)
    if len(held_back):
        return kept, (augment_faces.centre(photos.crops[held_back]), photos.labels[held_back]), "validation photos"
    say("too few photos to keep some for validation: validating on other views of those trained on")
    views = augment_faces.augment(photos.crops[kept], np.random.default_rng(0), 0.5)
    return kept, (views, photos.labels[kept]), "other views of the photos trained on"
