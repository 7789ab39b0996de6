"""Labelled digits of your own: archives, folders of photos, strokes, and the labels of photos of many digits."""

from pathlib import Path

import numpy as np

from recognition.air_writing.strokes import load_strokes
from recognition.digits import crops, normalisation
from recognition.files import read_json
from recognition.media.frames import FrameSource
from recognition.settings import UserError
from recognition.training.datasets import _check_labels, _read_npz


def load_labelled(path: Path) -> tuple[np.ndarray, np.ndarray, list[str], list[str]]:
    """Return images uint8 (N, 28, 28), normalised, their labels int (N,), a name for each, and the files that failed.

    `path` is an .npz with x (N, H, W) uint8, white on black, and y (N,); or a folder with a subfolder of image files
    for each digit: FOLDER/0/*.png to FOLDER/9/*.png, photos or scans of one digit each; or a .jsonl of strokes that
    hand_tracking.py saved.
    """
    if path.suffix == ".npz":
        images, labels = _read_npz(path, ("x", "y"))
        if images.ndim != 3 or images.dtype != np.uint8 or not images.size:
            raise UserError(f"{path}: needs x, images uint8 (N, H, W), has {images.dtype} {images.shape}")
        _check_labels(path, labels, len(images))
        if images.shape[1:] != (28, 28):
            images = np.stack([normalisation.normalise(image) for image in images])
        return images, labels.astype(int), [f"{path.name}[{i}]" for i in range(len(images))], []
    if path.suffix == ".jsonl" and path.is_file():
        images, labels = load_strokes(path)
        return images, labels, [f"{path.name}[{i}]" for i in range(len(images))], []
    if not path.is_dir():
        raise UserError(f"{path} not found: name an .npz, a folder, or a .jsonl of strokes")
    source = FrameSource([str(path / digit) for digit in "0123456789" if (path / digit).is_dir()])
    photos = []
    for photo in source:
        image = crops.normalise_photo(photo.image)
        if image.any():
            photos.append((photo.source, image))
        else:
            source.fail(photo.source, f"{photo.source}: no ink found: left out")
    if not photos:
        raise UserError(f"{path}: no labelled images: make subfolders 0 to 9, each with pictures of that digit")
    names, images = zip(*photos, strict=True)
    return np.stack(images), np.array([int(Path(name).parent.name) for name in names]), list(names), source.failed


def load_photo_labels(folder: Path) -> dict[str, dict] | None:
    """Return labels.json of a folder of photos, {"photo.jpg": {"digits": "123"}}, or None where there is none."""
    path = folder / "labels.json"
    if not path.exists():
        return None
    try:
        labels = read_json(path)
    except ValueError as error:
        raise UserError(f"{path} is no JSON ({error})") from None
    entries = list(labels.values()) if isinstance(labels, dict) else []
    if not entries or not all(isinstance(entry, dict) and isinstance(entry.get("digits"), str) for entry in entries):
        raise UserError(f'{path}: needs {{"photo.jpg": {{"digits": "0123"}}, ...}}, one entry a photo')
    return labels
