"""SFace's file, fetched once (39 MB), and what is made of it, once on this computer, for LiteRT to run (38 MB).

Both lie in data/models. TensorFlow, which does it, is started as a program of its own, as for dlib's descriptor.
"""

from pathlib import Path

import numpy as np

from recognition import downloads
from recognition.files import PUBLISHED
from recognition.models import converted, onnx_weights

FILE = "face_recognition_sface_2021dec.onnx"
URL = f"https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/face_recognition_sface/{FILE}"
SHA256 = "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79"
NAME = "sface_2021dec"
VERSION = 1  # of the network that is written; another number, and it is converted again
KEPT = {"sha256": SHA256, "version": VERSION}  # what the card of the conversion must say
TITLE, COST = "SFace", "15 seconds"


def fetch_file(folder: Path = PUBLISHED) -> Path:
    """Return the path of SFace's own file, downloaded if it is not there; raise UserError for any other file."""
    return downloads.fetch(folder / FILE, URL, SHA256, "or take dlib's descriptor: --recognizer dlib")


def read(folder: Path = PUBLISHED) -> bytes | None:
    """Return the converted network as the bytes of a .tflite file; None where there is none, or it is damaged."""
    found = converted.read(NAME, KEPT, folder)
    return found and found[1]


def fetch(source: Path, folder: Path = PUBLISHED) -> bytes:
    """Return the converted network, converted now if it was not; raises UserError where that cannot be done.

    `source`: SFace's own file, as fetch_file returns it.
    """
    return converted.fetch(NAME, KEPT, folder, __name__, lambda: source, TITLE, COST)


def convert(source: Path, folder: Path) -> None:
    """Write SFace as NAME.tflite and its card, unless that was done. Imports TensorFlow."""
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
    """Return the Keras model with the arrays of SFace's file; batch normalisations become part of the layers beside."""
    from recognition.networks import sface

    numbers = []
    for name in ("conv_1", *(f"conv_{k}{part}" for k in range(2, 2 + len(sface.BLOCKS)) for part in ("_dw", ""))):
        factor, shift = _normalisation(found, f"{name}_batchnorm", 1e-3)
        kernel = (found[f"{name}_conv2d_weight"] * factor[:, None, None, None]).transpose(2, 3, 1, 0)
        kernel = kernel.transpose(0, 1, 3, 2) if name.endswith("_dw") else kernel
        numbers += [kernel, shift, found[f"{name}_relu_gamma"].reshape(1, 1, -1)]
    before, after = _normalisation(found, "bn1", 2e-5), _normalisation(found, "fc1", 2e-5)
    weights = found["pre_fc1_weight"].astype(np.float64).reshape(128, len(before[0]), -1)  # outputs, channels, pixels
    bias = found["pre_fc1_bias"] + np.einsum("ocp,c->o", weights, before[1])
    weights = weights * before[0][:, None] * after[0][:, None, None]
    numbers += [weights.transpose(2, 1, 0).reshape(-1, 128), bias * after[0] + after[1]]
    model = sface.network()
    model.set_weights(numbers)
    return model


def _normalisation(found: dict[str, np.ndarray], name: str, epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    """Return what a batch normalisation multiplies each channel by, and adds to it."""
    factor = found[f"{name}_gamma"] / np.sqrt(found[f"{name}_moving_var"].astype(np.float64) + epsilon)
    return factor, found[f"{name}_beta"] - found[f"{name}_moving_mean"] * factor
