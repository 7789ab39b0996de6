"""Train the network `cnn` that recognises your people: their faces cropped, gray, 200x200, and seen in other lights.

    python face_recognition/train.py                              # the people in data/faces, into models/faces.*
    python face_recognition/train.py --faces data/orl_faces       # any folder with a subfolder of photos a person
    python face_recognition/train.py --strangers data/strangers   # with photos of people whom it must refuse
    python face_recognition/train.py --epochs 3                   # a quick try

Reads the photos FOLDER/NAME/*; writes models/NAME.weights.h5, .tflite, .json, _history.png and _confusion.png, which
stay on this machine (git ignores them). A run that was stopped goes on where it was when it is started again with the
same settings and photos. Train again when people or photos were added.
"""

import math
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from recognition import face_variants, faces, gray_faces, models, settings


@dataclass
class Config:
    faces: str = str(settings.ROOT / "data" / "faces")  # folder with a subfolder of photos for every person
    strangers: str | None = None  # folder of photos of other people, in subfolders or not: fewer strangers get a name
    name: str = "faces"  # the model's name in models/
    detector: Literal["auto", "yunet", "hog", "cnn"] = "auto"  # auto is yunet, or hog where yunet cannot be had
    epochs: int = 30  # more helps little
    views: int = 2000  # pictures an epoch, each a photo seen in another way; everybody is seen equally often
    batch_size: int = 32  # pictures a step; halve it, and the learning rate, if memory runs out
    learning_rate: float = 0.002  # the highest of the schedule; halve it if the loss jumps
    weight_decay: float = 0.02  # raise it if training accuracy runs away from validation
    label_smoothing: float = 0.05  # certainty taken from the right answer, 0 to 0.2
    scale: float = 16.0  # of the cosines before the softmax; lower it if the loss stays high
    margin: float = 0.2  # by how much the right person's cosine has to win; 0 is a plain softmax
    strength: float = 1.0  # how much views differ from their photo, 0 not at all
    validation: float = 0.2  # share of each person's photos kept to choose and measure; from three photos on
    accept: float = 0.01  # share of strangers that may get a name; lower it and more known faces stay unknown
    precision: Literal["auto", "float32", "mixed_bfloat16"] = "auto"  # auto takes bfloat16 where it is faster
    seed: int = 0  # another seed, another model of the same kind
    output: str = str(models.MODELS)  # folder for the model's files


def check(config: Config) -> None:
    """Raise UserError for a setting out of its range."""
    ranges = dict.fromkeys(("validation", "accept", "label_smoothing", "margin"), (0, 1))
    ranges |= dict.fromkeys(("epochs", "views", "batch_size", "scale"), (1, math.inf))
    ranges |= dict.fromkeys(("learning_rate", "weight_decay", "strength", "seed"), (0, math.inf))
    for name, (low, high) in ranges.items():
        if not low <= getattr(config, name) <= high:
            flag, span = f"--{name.replace('_', '-')} {getattr(config, name)}", f"{low} to {high}"
            raise settings.UserError(f"{flag}: must be {span if high < math.inf else f'at least {low}'}", 2)


def make_batch(
    config: Config, crops: np.ndarray, labels: np.ndarray, targets: np.ndarray, epoch: int, step: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return one batch, uint8 (B, 200, 200, 1) and float32 (B, people), the same for the same seed, epoch and step."""
    rng = np.random.default_rng([config.seed, epoch, step])
    people = np.arange(step * config.batch_size, (step + 1) * config.batch_size) % len(targets)
    people = np.random.default_rng([config.seed, epoch]).permutation(len(targets))[people]
    chosen = [rng.choice(np.flatnonzero(labels == person)) for person in people]
    return face_variants.vary(crops[chosen], rng, config.strength)[..., None], targets[people]


def set_directions(model, crops: np.ndarray, labels: np.ndarray) -> None:
    """Turn each person's direction to the middle of the features of all of that person's photos and mirror images.

    It was learned from varied views; the photos themselves are nearer to what a camera will see.
    """
    from recognition import networks

    body = networks.keras.Model(model.input, model.get_layer("features").output)
    images = face_variants.centre(crops)
    features = sum(body.predict(ways[..., None], verbose=0) for ways in (images, images[..., ::-1]))
    features = features.astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    model.get_layer("cosines").set_weights([np.stack([features[labels == k].mean(0) for k in np.unique(labels)], 1)])
