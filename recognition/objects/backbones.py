"""Pre-trained networks without their last layer: what they say of an image helps to tell other classes apart.

`efficientnet_lite0`, trained on ImageNet, comes with pip, `cifar10` is our own; `vgg16` and `mobilenet_v2`, trained on
ImageNet, too, are those of Keras applications, and are downloaded. All are run by LiteRT: Keras is imported once, to
convert ImageNet's weights.
"""

import copy
import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recognition.downloads import fetch
from recognition.files import PUBLISHED
from recognition.media.roi import Box
from recognition.models import cards, converted, litert, store
from recognition.models.weights import fill, weight_shapes
from recognition.objects import lite0
from recognition.objects.crops import cut, looks, views
from recognition.settings import UserError, say

KERAS = "https://storage.googleapis.com/tensorflow/keras-applications/"
STEP, LARGEST = 32, 512  # pixels: five halvings lose nothing of a multiple of 32
VERSION = 1  # of how an image is cut out and its features averaged; a head trained on another version is refused
KEPT = {"network": str}
FINE_TUNED = "fine_tuned"  # architecture of models that have the last block of EfficientNet-Lite0 for themselves
EXTRACT, TRAIN = "python cifar_recognition/extract_features.py", "python cifar_recognition/train_transfer.py"


@dataclass(frozen=True)
class Application:
    """A network of Keras applications: its name there; what pixels it wants, RGB times scale plus offset; its files.

    A file is (name, where it is published, its MD5 if Keras has one): the first is downloaded if none is there.
    """

    network: str
    scale: float
    offset: tuple[float, float, float]
    files: tuple[tuple[str, str, str | None], ...]
    reversed: bool = False  # it was trained on BGR


APPLICATIONS = {
    "vgg16": Application(
        "VGG16", 1.0, (-123.68, -116.779, -103.939),
        (
            ("vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", "vgg16/", "6d6bbae143d832006294945121d1f1fc"),
            ("vgg16_weights_tf_dim_ordering_tf_kernels.h5", "vgg16/", "64373286793e3c8b2b4e3219cbf3544b"),
        ),
        reversed=True,
    ),
    "mobilenet_v2": Application(
        "MobileNetV2", 1 / 127.5, (-1.0, -1.0, -1.0),
        (
            ("mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5", "mobilenet_v2/", None),
            ("mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5", "mobilenet_v2/", None),
        ),
    ),
}  # fmt: skip
NAMES = (lite0.NAME, "cifar10", *APPLICATIONS)
TRUNK = "trunk"  # the output of EfficientNet-Lite0 before its last block
SIZE = 64  # pixels a side that networks of Keras applications see, unless another is asked for


class Backbone:
    """A network without its last layer: RGB images, uint8 (N, size, size, 3), to features, float32 (N, D)."""

    def __init__(self, name: str, sha256: str, model: litert.Model, output: str, mirrored: bool, several: bool = False):
        """`sha256`: of its weights; `output`: which of the model's; `mirrored`: the mean with the mirror image's;
        `several`: and of closer looks, see `crops.looks`."""
        self.name, self.sha256, self.size, self.model = name, sha256, model.shape[0], model
        self.mirrored, self.looks, self._output = mirrored, 3 if several else 1, output
        # So much as 64 images of 64x64: the fastest on two cores, and the memory stays the same
        self._batch = max(1, 64 * 64**2 // self.size**2)

    @property
    def identity(self) -> dict[str, str | int]:
        """What features depend on: those of backbones that differ in one of these cannot be compared."""
        return {"name": self.name, "sha256": self.sha256, "size": self.size, "version": VERSION}

    def before_last_block(self) -> "Backbone":
        """Return the same network with what its last block works on for features, for a model that has its own block.

        Raises UserError for all but EfficientNet-Lite0.
        """
        if self.name != lite0.NAME:
            raise UserError(f"--unfreeze goes with --backbone {lite0.NAME}, not with {self.name}", 2)
        other = copy.copy(self)
        other._output = TRUNK
        return other

    def features(self, images: np.ndarray) -> np.ndarray:
        """Return the features, float32 (N, D), of RGB images, uint8 (N, size, size, 3)."""
        found = self.run(images)[self._output]
        return found.reshape(len(found), math.prod(found.shape[1:]))

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return the features of such images and what else the network says of them, see `litert.Model.run`."""
        return self.model.run(images, self._batch, ("probabilities", self._output))

    def crops(self, frame: np.ndarray) -> np.ndarray:
        """Return the squares of a BGR frame whose features make its own, RGB uint8 (K, size, size, 3).

        EfficientNet-Lite0 looks at it three times, which names more photos rightly. Our own network was trained on
        whole things, and learning from closer looks, too, made it worse at dogs. Those of Keras see a frame once, and
        of an image of `size` they say exactly what Keras says.
        """
        images = np.stack([cut(frame, box, self.size) for box in self.views(frame.shape[1], frame.shape[0])])
        return np.concatenate([images, images[:, :, ::-1]]) if self.mirrored else images

    def views(self, width: int, height: int) -> list[Box]:
        """Return the squares of a frame that are looked at, x1 y1 x2 y2 in pixels."""
        return looks(width, height) if self.looks > 1 else views(width, height, self.size)[:1]

    def features_of(self, crops: list[np.ndarray]) -> np.ndarray:
        """Return the features, float32 (N, D), of N frames, given the crops of each."""
        found = self.features(np.concatenate(crops))
        ends = np.cumsum([len(one) for one in crops])[:-1]
        return np.stack([self.joined(part) for part in np.split(found, ends)])

    def joined(self, rows: np.ndarray) -> np.ndarray:
        """Return the features of a frame, float32 (D,), from those of its crops, (K, D / looks).

        Those of each look follow one another, mirror images averaged: what a closer look shows is no less than that.
        Before the last block nothing can be averaged yet: all follow one another.
        """
        if self._output == TRUNK:
            return rows.ravel()
        return rows.reshape(-1, self.looks, rows.shape[1]).mean(0).ravel()

    def alone(self, images: np.ndarray) -> np.ndarray:
        """Return the features of N frames, float32 (N, D), whose crops all show the same, uint8 (N, size, size, 3)."""
        times = self.looks * (1 + self.mirrored) if self._output == TRUNK else self.looks
        return np.tile(self.features(images), (1, times))


def load(
    name: str,
    weights: Path | None = None,
    size: int | None = None,
    folder: Path = cards.MODELS,
    published: Path = PUBLISHED,
) -> Backbone:
    """Return a backbone by its name. Raises UserError where it has no weights, or others than when first used.

    `weights`: an .h5 file of Keras's, with or without its top, to be converted; `size`: what side ImageNet's networks
    see, a multiple of 32, each by default its own; `folder`, `published`: where our own models and converted ones lie.
    """
    if name not in NAMES:
        raise UserError(f"backbone '{name}' is unknown (known: {', '.join(NAMES)})")
    if weights and name not in APPLICATIONS:
        raise UserError(f"--weights {weights} has no effect: it goes with --backbone vgg16 or mobilenet_v2", 2)
    if name == "cifar10":
        model = store.load("cifar10", folder)
        if not model.has_features:
            raise UserError(f"{folder / 'cifar10'}: no network of the architecture 'fast': train it again")
        return Backbone(name, model.card["sha256"]["weights.h5"], model, "features", mirrored=True)
    size = size or (lite0.SIZE if name == lite0.NAME else SIZE)
    if size % STEP or not STEP <= size <= LARGEST:
        raise UserError(f"--size {size}: must be a multiple of {STEP}, {STEP} to {LARGEST}", 2)
    if name == lite0.NAME:
        model = _of_any_size(lite0.fetch(published), size, lite0.CARD)
        return Backbone(name, lite0.SHA256, model, "features", mirrored=True, several=True)
    application = APPLICATIONS[name]
    if not (weights or converted.read(name, KEPT, published)):
        weights = _find(application, published)
    weights = weights or published / application.files[0][0]  # converted: not needed any more, but compared if there
    card, content = converted.convert(
        weights, name, lambda path: (network(application, path), {"network": application.network}), KEPT,
        f"{application.network} of Keras applications", "half a minute", published,
    )  # fmt: skip
    return Backbone(name, card["sha256"], _of_any_size(content, size), "probabilities", mirrored=False)


def _of_any_size(content: bytes, size: int, card: dict | None = None) -> litert.Model:
    """Return a network, the bytes of a .tflite file, for images of `size` pixels: it is all convolutions."""
    model = litert.Model(content, card, threads=8)
    model.shape = (size, size, 3)
    return model


def load_or_small(name: str, weights: Path | None = None, size: int | None = None) -> Backbone:
    """Return a backbone as `load` does; "cifar10", which is told, where EfficientNet-Lite0 cannot be had."""
    try:
        return load(name, weights, size)
    except UserError as error:
        if name != lite0.NAME or error.code == 2:
            raise
        say(f"{error}; going on with --backbone cifar10, which knows less")
        return load("cifar10")


def load_of(card: dict, what: str, folder: Path = cards.MODELS) -> Backbone:
    """Return the backbone under a model, given its card, as `load_same` does."""
    backbone = load_same(card["backbone"], what, folder)
    return backbone.before_last_block() if card["architecture"] == FINE_TUNED else backbone


def load_same(wanted: dict, what: str, folder: Path = cards.MODELS, published: Path = PUBLISHED) -> Backbone:
    """Return the backbone of identity `wanted`, with which `what` was made. Raises UserError if it changed since."""
    how = f"run {EXTRACT} FOLDER and {TRAIN} NAME again"
    if not isinstance(wanted, dict) or not isinstance(wanted.get("size"), int):
        raise UserError(f"{what} does not tell its backbone: {how}")
    if wanted.get("name") not in NAMES:
        raise UserError(f"{what}: backbone '{wanted.get('name')}' is unknown (known: {', '.join(NAMES)}): {how}")
    backbone = load(wanted.get("name"), None, wanted["size"], folder, published)
    for key, value in backbone.identity.items():
        if wanted.get(key) != value:
            now = f"{key} {wanted.get(key)}, now {value}"
            raise UserError(f"{what} was made with another version of the backbone {backbone.name} ({now}): {how}")
    return backbone


def head_card(name: str, folder: Path = cards.MODELS) -> dict:
    """Return the card of the head of that name, {} where there is none, or a damaged one.

    Raises UserError where the name is that of another model, which a head must not replace.
    """
    if name == "imagenet":
        raise UserError("imagenet: what --model imagenet names is another model: choose another --name", 2)
    if not cards.card_path(name, folder).exists():
        return {}
    try:
        card = cards.read_card(name, folder)
    except UserError:
        return {}
    if "backbone" not in card or "words" in card:  # that of photos, for which the collection has a script
        path = cards.card_path(name, folder)
        raise UserError(f"{path}: another kind of model, which a head would replace: choose another --name", 2)
    return card


def _find(application: Application, published: Path) -> Path:
    """Return a file of weights, checked: in `published`, or where Keras keeps its own; downloaded if there is none."""
    cache = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models"
    hint = f"or name a file of {application.network} with {EXTRACT} FOLDER --weights"
    for folder in (published, cache):
        for name, where, md5 in application.files:
            if (folder / name).exists():
                return fetch(folder / name, KERAS + where + name, md5, hint)
    name, where, md5 = application.files[0]
    return fetch(published / name, KERAS + where + name, md5, hint)


def network(application: Application, weights: Path):
    """Return the Keras model of an .h5 file: RGB pixels 0-255, (N, 64, 64, 3), in, the mean of the last layer out.

    The mean, not all places: 512 or 1,280 numbers at any size, where few images are enough to learn from.
    """
    name, where, _ = application.files[0]
    how = f"name a file of {application.network} with --weights, for example {KERAS}{where}{name}"
    found = weight_shapes(weights, how)  # first: it is quick, and Keras is not

    from recognition.networks.backend import keras, layers

    make = getattr(keras.applications, application.network)
    base = make(include_top=False, weights=None, input_shape=(64, 64, 3), pooling="avg")
    # A file with top holds the 1,000 classes, too: two arrays more at least, and all in one order
    full = make(weights=None) if len(found) > len(base.weights) else base
    fill(full, weights, application.network, how)
    arrays = full.get_weights()[: len(base.weights)]
    if application.reversed:
        arrays[0] = arrays[0][:, :, ::-1]  # the first convolution
    base.set_weights(arrays)
    inputs = keras.Input((64, 64, 3), name="image")
    return keras.Model(inputs, base(layers.Rescaling(application.scale, offset=list(application.offset))(inputs)))
