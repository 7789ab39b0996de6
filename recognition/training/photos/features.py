"""What a backbone says of the images of a dataset, kept in parts: a run that was stopped goes on where it was."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from recognition.files import sha256, write_atomically
from recognition.objects.backbones import Backbone
from recognition.progress import watched

PART = 1000  # images in a file


def compute(
    backbone: Backbone,
    images: np.ndarray,
    make: Callable[[np.ndarray, np.random.Generator], np.ndarray],
    folder: Path,
    name: str,
    told: str,
) -> dict[str, np.ndarray]:
    """Return what a backbone says of images, uint8 (N, H, W, 3), float32: "features" (N, D), "probabilities" (N, K).

    `make` turns each image into one of the backbone's size, varied by a generator of its own. `folder`, `name`: where
    the parts are kept; `told`: what else they depend on: parts that were made with something else, or of other images,
    are made anew.
    """
    folder.mkdir(parents=True, exist_ok=True)
    told = f"{told}, {sorted(backbone.identity.items())}"
    found = []
    for start in watched(range(0, len(images), PART), -(-len(images) // PART), "thousand images"):
        path = folder / f"{name}_{start // PART:03}.npz"
        these = images[start : start + PART]
        told_of = f"{told}, {sha256(these.tobytes())}"
        part = _read(path, told_of)
        if part is None:
            made = [make(image, np.random.default_rng([start + k])) for k, image in enumerate(these)]
            part = {key: rows.astype(np.float16) for key, rows in backbone.run(np.stack(made)).items()}
            write_atomically(path, partial(np.savez, told=told_of, **part), suffix=".npz")
        found.append(part)
    return {key: np.concatenate([part[key] for part in found]).astype(np.float32) for key in found[0]}


def _read(path: Path, told: str) -> dict[str, np.ndarray] | None:
    """Return a part, None where there is none, a damaged one or one that was made with something else."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive if key != "told"} if str(archive["told"]) == told else None
    except Exception:  # zipfile, zlib and numpy each have their own
        return None
