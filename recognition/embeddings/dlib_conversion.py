"""dlib's face descriptor, converted once on this computer into a file that LiteRT runs (20 MB, in data/models).

TensorFlow, which does it, is started as a program of its own: it would stay in memory for as long as the caller runs.
"""

from pathlib import Path

import numpy as np

from recognition.embeddings import dlib_weights
from recognition.embeddings.dlib_weights import Layer
from recognition.files import PUBLISHED
from recognition.models import converted

NAME = "dlib_resnet_v1"
VERSION = 2  # of the network that is written; another number, and it is converted again
KEPT = {"sha256": dlib_weights.RESNET_SHA256, "version": VERSION}  # what the card of the conversion must say
TITLE, COST = "dlib's face descriptor", "15 seconds"
CODE = converted.program(__name__)


def read(folder: Path = PUBLISHED) -> bytes | None:
    """Return the converted descriptor as the bytes of a .tflite file; None where there is none, or it is damaged."""
    found = converted.read(NAME, KEPT, folder)
    return found and found[1]


def fetch(source: Path, folder: Path = PUBLISHED) -> bytes:
    """Return the converted descriptor, converted now if it was not; raises UserError where that cannot be done.

    `source`: dlib's file, only looked at to convert it.
    """

    def find() -> Path:
        dlib_weights.check(source)
        return source

    return converted.fetch(NAME, KEPT, folder, __name__, find, TITLE, COST)


def convert(source: Path, folder: Path) -> None:
    """Write dlib's descriptor as NAME.tflite and its card, unless that was done. Imports TensorFlow."""
    converted.convert(
        source, NAME, lambda path: (trained(dlib_weights.read(path)), {"version": VERSION}), KEPT, TITLE, COST, folder
    )


def trained(found: list[Layer]):
    """Return the Keras model with the numbers of dlib's file; raises ValueError where they are another network's."""
    from recognition.networks import dlib_resnet

    convolutions = [layer.weights for layer in found if layer.kind == "con_4"]
    scales = [layer.weights for layer in found if layer.kind == "affine_"]
    numbers = []
    for (kernel, bias), (factor, shift) in zip(convolutions, scales, strict=True):
        # The scale of the channels that follows is part of the convolution here: the same result in half the layers
        kernel = (kernel * factor.reshape(-1, 1, 1, 1)).transpose(2, 3, 1, 0)
        numbers += [kernel, (bias * factor + shift).ravel()]
    # So is what dlib does to pixels first: (pixel - mean of the channel) / 256
    numbers[0] = numbers[0] / 256
    numbers[1] = numbers[1] - np.einsum("hwio,i->o", numbers[0], found[0].weights[0])
    numbers[-2] = numbers[-2][1, 1]  # the middle: see `network`
    numbers.append(found[-1].weights[0])
    model = dlib_resnet.network()
    shapes = [tuple(weight.shape) for weight in model.weights]
    model.set_weights([array.reshape(shape) for array, shape in zip(numbers, shapes, strict=True)])
    return model
