"""YuNet's file (230 KB), and how it becomes a network of ours, for LiteRT to run in half the time and memory."""

from pathlib import Path

import numpy as np

from recognition import downloads
from recognition.models import zoo

NETWORK = zoo.Network(
    place="face_detection_yunet/face_detection_yunet_2026may.onnx",
    sha256="ebafce4e3c118d6554634be5c27ab333b4c047a9a8c3faf1d7cf93101c22f0f0",
    name="yunet_2026may",
    version=1,
    title="YuNet",
    cost="10 seconds",
    instead="dlib's detector: --detector hog",
    slower="twice as long",
    module=__name__,
    download=downloads.fetch,
)
# The arrays of a 1x1 convolution have names; those of the 3x3 convolution behind it, with the batch normalisation in
# it, numbers as names, which count on from FOLLOWING in steps of 3
UNITS = [f"backbone.model{k}.conv{part}.conv1" for k in range(6) for part in (1, 2)][1:]
UNITS += [f"neck.lateral_convs.{level}.conv1" for level in (2, 1, 0)]
FIRST, FOLLOWING = 420, 423
HEADS = ("cls", "obj", "bbox", "kps")  # in the order in which yunet.py expects them


def convert(source: Path, folder: Path) -> None:
    """Write the conversion, unless that was done. Imports TensorFlow."""
    NETWORK.convert(source, folder, trained)


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
