"""VGG-Face: descriptors from the network of O. Parkhi, A. Vedaldi, A. Zisserman, "Deep face recognition" (2015).

Its weights are not part of this project (580 MB). Two publishers' files are known, and each wants pixels its own way.
Keras is imported once, to turn the weights into data/models/vggface_*.tflite; from then on that file is run.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from recognition.downloads import fetch
from recognition.embeddings.statistics import Statistics
from recognition.files import PUBLISHED
from recognition.models import converted
from recognition.models.litert import Model
from recognition.models.weights import weight_shapes
from recognition.settings import UserError

KEPT = {"layout": str, "threshold": float}  # in the card of a file, with its hashes
BLOCKS = (64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)  # filters of the convolutions
DENSE = 4096, 4096, 2622  # fc6, fc7, and the 2,622 people it was trained on
POOLED = 7  # pixels a side after the five blocks
RCMALLI = "https://github.com/rcmalli/keras-vggface/releases/download/v2.0/"
FILES = {  # where each can be had; the first is downloaded if none is there
    "rcmalli_vggface_tf_vgg16.h5": RCMALLI + "rcmalli_vggface_tf_vgg16.h5",
    "rcmalli_vggface_tf_notop_vgg16.h5": RCMALLI + "rcmalli_vggface_tf_notop_vgg16.h5",
    "vgg_face_weights.h5": "https://github.com/serengil/deepface_models/releases/download/v1.0/vgg_face_weights.h5",
}


@dataclass(frozen=True)
class Layout:
    """How a file keeps the weights: `top`, the shapes of fc6 to fc8; what pixels it wants; the distance of one person.

    The threshold is between descriptors of length 1.
    """

    name: str
    top: tuple[tuple[int, ...], ...]
    scale: float
    mean: tuple[float, float, float]  # of blue, green and red, subtracted after scaling
    threshold: float


def layouts(blocks=BLOCKS, dense=DENSE) -> list[Layout]:
    """Return the layouts that files are known to have: "top" and "notop" by rcmalli, "convolutions" by serengil."""
    last, (fc6, fc7, fc8) = blocks[-1][-1], dense
    # keras_vggface/utils.py, version 1: the mean of the training images, in this order
    mean = 93.5940, 104.7624, 129.1863
    return [
        # Nobody published a threshold for fc7 with these pixels: the stricter of deepface's two for VGG-Face, cosine
        # distance 0.40 (2,622 numbers), is 0.89 between descriptors of length 1
        Layout("top", ((POOLED**2 * last, fc6), (fc6, fc7), (fc7, fc8)), 1.0, mean, 0.89),
        # Means of 49 places are all positive and nearer to each other: a careful guess, calibrate it with evaluate.py
        Layout("notop", (), 1.0, mean, 0.60),
        # deepface feeds this file BGR / 255 and takes fc7; its thresholds (deepface/config/threshold.py: cosine 0.68,
        # euclidean_l2 1.17) are tuned for exactly that
        Layout(
            "convolutions",
            ((POOLED, POOLED, last, fc6), (1, 1, fc6, fc7), (1, 1, fc7, fc8)),
            1 / 255, (0.0, 0.0, 0.0), 1.17,
        ),
    ]  # fmt: skip


def read_weights(path: Path, blocks=BLOCKS, dense=DENSE) -> tuple[Layout, list[tuple[np.ndarray, np.ndarray]]]:
    """Return the layout of an .h5 file and kernel and bias of its convolutions, fc6 and fc7, kernels of fc (in, out).

    Only arrays are read, in the order of their layers' names. Raises UserError for a file of any other layout.
    """
    import h5py

    how = "name a file of VGG-Face with --weights, for example " + next(iter(FILES.values()))
    weight_shapes(path, how)  # refuses what points outside the file
    with h5py.File(path, "r") as file:
        arrays: dict[str, list[h5py.Dataset]] = {}
        file.visititems(lambda name, item: _collect(arrays, name, item))
        pairs = [sorted(pair, key=lambda array: -array.ndim) for _, pair in sorted(arrays.items(), key=_natural)]
        found = [tuple(array.shape for array in pair) for pair in pairs]
        for layout in layouts(blocks, dense):
            if found == _shapes(layout, blocks):
                used = pairs[:-1] if layout.top else pairs  # fc8 is for the people it was trained on
                numbers = [(np.asarray(kernel, np.float32), np.asarray(bias, np.float32)) for kernel, bias in used]
                flat = len(used) - 2 if layout.top else len(used)
                numbers[flat:] = [(kernel.reshape(-1, kernel.shape[-1]), bias) for kernel, bias in numbers[flat:]]
                if not all(np.isfinite(array).all() for pair in numbers for array in pair):
                    raise UserError(f"{path}: holds numbers that are not finite: {how}")
                return layout, numbers
    needed = [_shapes(layout, blocks) for layout in layouts(blocks, dense)]
    k = max(next((k for k, (a, b) in enumerate(zip(found, shapes, strict=False)) if a != b), 0) for shapes in needed)
    here = found[k] if k < len(found) else "nothing more"
    raise UserError(
        f"{path} is no VGG-Face: needs {len(needed[1])} or {len(needed[0])} layers, has {len(found)}; "
        f"layer {k + 1} has {here}, needs {needed[0][k]}: {how}"
    )


def _collect(arrays: dict[str, list], name: str, item) -> None:
    if hasattr(item, "shape") and "optimizer" not in name:
        arrays.setdefault(name.rpartition("/")[0], []).append(item)


def _natural(entry: tuple[str, list]) -> list:
    """Return what sorts conv2d_10 behind conv2d_9."""
    return [int(part) if k % 2 else part for k, part in enumerate(re.split(r"(\d+)", entry[0]))]


def _shapes(layout: Layout, blocks) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    filters = [3, *(count for block in blocks for count in block)]
    kernels = [(3, 3, *pair) for pair in pairwise(filters)] + list(layout.top)
    return [(kernel, kernel[-1:]) for kernel in kernels]


def network(layout: Layout, weights: list[tuple[np.ndarray, np.ndarray]], blocks=BLOCKS):
    """Return the Keras model: BGR pixels 0-255 (N, 224, 224, 3) in, descriptors of length 1 out.

    With top the descriptor is fc7 after its ReLU, as in the paper; without, the mean of the last block over the image.
    """
    from recognition.networks.backend import keras, layers

    x = inputs = keras.Input((VggFace.size, VggFace.size, 3), name="image")
    x = layers.Rescaling(layout.scale, offset=[-value for value in layout.mean])(x)
    for block in blocks:
        for filters in block:
            x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    if layout.top:
        x = layers.Flatten()(x)
        for shape in layout.top[:2]:
            x = layers.Dense(shape[-1], activation="relu")(x)
    else:
        x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.UnitNormalization(name="descriptor")(x), name="vggface")
    model.set_weights([array for pair in weights for array in pair])
    return model


class VggFace:
    """VGG-Face's descriptors of aligned faces, by LiteRT."""

    size, padding = 224, 0.3  # pixels; trained on faces with a margin, whose eyes are a third of the width apart

    def __init__(self, weights: Path | None = None, folder: Path = PUBLISHED, blocks=BLOCKS, dense=DENSE):
        """`weights`: an .h5 file; by default a known one in `folder`, downloaded if there is none.

        Raises UserError for a file of another layout, and for one that is not what it was when it was first used.
        """
        weights = weights or _find(folder)
        name = f"vggface_{weights.stem}"

        def build(path: Path):
            layout, numbers = read_weights(path, blocks, dense)
            return network(layout, numbers, blocks), {"layout": layout.name, "threshold": layout.threshold}

        cost = "two minutes and 5 GB of memory"
        card, content = converted.convert(weights, name, build, KEPT, "VGG-Face", cost, folder, bits=8)
        self.name = f"vggface_{card['layout']}_{card['sha256'][:12]}"
        # One distance for all: nobody has measured more of this network
        near = card["threshold"]
        self.statistics = Statistics(0.0, 0.0, nearest=near, decade=0.05)
        self._model = Model(content)

    def embed(self, crops: np.ndarray, mirrored: bool = False) -> np.ndarray:
        """Return the descriptors, float32 (N, D), each of length 1, of aligned faces, BGR uint8 (N, 224, 224, 3).

        `mirrored`: the mean with the mirror image's descriptor, a little shorter than 1.
        """
        found = self._model.predict(crops, batch_size=8)
        return (found + self._model.predict(crops[:, :, ::-1], batch_size=8)) / 2 if mirrored else found


def _find(folder: Path) -> Path:
    """Return a known file in the folder, the first of them downloaded if there is none."""
    for name in FILES:
        if (folder / name).exists() or (folder / f"vggface_{Path(name).stem}.json").exists():
            return folder / name
    name, url = next(iter(FILES.items()))
    return fetch(folder / name, url, None, "or name a file of your own with --weights")
