"""YuNet's file, fetched once (230 KB), and what is made of it, once on this computer, for LiteRT (240 KB), which takes
half the time and memory. Both lie in data/models. TensorFlow, which does it, is started as a program of its own.
"""

from pathlib import Path

import numpy as np

from recognition import downloads
from recognition.files import PUBLISHED
from recognition.models import converted, onnx_weights

FILE = "face_detection_yunet_2026may.onnx"
URL = f"https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/face_detection_yunet/{FILE}"
SHA256 = "ebafce4e3c118d6554634be5c27ab333b4c047a9a8c3faf1d7cf93101c22f0f0"
NAME = "yunet_2026may"
VERSION = 1  # of the network that is written; another number, and it is converted again
KEPT = {"sha256": SHA256, "version": VERSION}  # what the card of the conversion must say
TITLE, COST = "YuNet", "10 seconds"
# The arrays of a 1x1 convolution have names; those of the 3x3 convolution behind it, with the batch normalisation in
# it, numbers as names, which count on from FOLLOWING in steps of 3
UNITS = [f"backbone.model{k}.conv{part}.conv1" for k in range(6) for part in (1, 2)][1:]
UNITS += [f"neck.lateral_convs.{level}.conv1" for level in (2, 1, 0)]
FIRST, FOLLOWING = 420, 423
HEADS = ("cls", "obj", "bbox", "kps")  # in the order in which yunet.py expects them


def fetch_file(folder: Path = PUBLISHED) -> Path:
    """Return the path of YuNet's own file, downloaded if it is not there; raise UserError for any other file."""
    return downloads.fetch(folder / FILE, URL, SHA256, "or take dlib's detector: --detector hog")


def is_here(folder: Path = PUBLISHED) -> bool:
    """Tell whether YuNet can be loaded without a download."""
    return any((folder / name).exists() for name in (FILE, f"{NAME}.tflite"))


def read(folder: Path = PUBLISHED) -> bytes | None:
    """Return the converted network as the bytes of a .tflite file; None where there is none, or it is damaged."""
    found = converted.read(NAME, KEPT, folder)
    return found and found[1]


def fetch(source: Path, folder: Path = PUBLISHED) -> bytes:
    """Return the converted network, converted now if it was not; raises UserError where that cannot be done.

    `source`: YuNet's own file, as fetch_file returns it.
    """
    return converted.fetch(NAME, KEPT, folder, __name__, lambda: source, TITLE, COST)


def convert(source: Path, folder: Path) -> None:
    """Write YuNet as NAME.tflite and its card, unless that was done. Imports TensorFlow."""
    converted.convert(
        source,
        NAME,
        lambda path: (trained(onnx_weights.read(path.read_bytes())), {"version": VERSION}),
        KEPT,
        TITLE,
        COST,
        folder,
    )


def trained(found: dict[str, np.ndarray]):
    """Return the Keras model with the arrays of YuNet's file."""
    from recognition.networks import yunet

    numbers = [_kernel(found[f"{FIRST}"]), found[f"{FIRST + 1}"]]
    for k, name in enumerate(UNITS):
        each = FOLLOWING + 3 * k
        numbers += [_kernel(found[f"{name}.weight"]), found[f"{name}.bias"]]
        numbers += [_kernel(found[f"{each}"], each=True), found[f"{each + 1}"]]
    for level in range(3):
        names = [f"bbox_head.multi_level_{head}.{level}" for head in HEADS]
        for part in ("conv1", "conv2"):
            kernel, bias = (
                np.concatenate([found[f"{name}.{part}.{kind}"] for name in names]) for kind in ("weight", "bias")
            )
            numbers += [_kernel(kernel, each=part == "conv2"), bias]
    model, convolutions = yunet.network()
    for k, layer in enumerate(convolutions):
        layer.set_weights(numbers[2 * k : 2 * k + 2])
    return model


def _kernel(kernel: np.ndarray, each: bool = False) -> np.ndarray:
    """Return a kernel of PyTorch, outputs first, as Keras has it; `each`: of a convolution of each channel alone."""
    return kernel.transpose(2, 3, 0, 1) if each else kernel.transpose(2, 3, 1, 0)
