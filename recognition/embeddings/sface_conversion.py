"""SFace's file (39 MB), and how it becomes a network of ours, for LiteRT to run (38 MB)."""

from pathlib import Path

import numpy as np

from recognition import downloads
from recognition.models import zoo

NETWORK = zoo.Network(
    place="face_recognition_sface/face_recognition_sface_2021dec.onnx",
    sha256="0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
    name="sface_2021dec",
    version=1,
    title="SFace",
    cost="15 seconds",
    instead="dlib's descriptor: --recognizer dlib",
    slower="half as long again",
    module=__name__,
    download=downloads.fetch,
)


def convert(source: Path, folder: Path) -> None:
    """Write the conversion, unless that was done. Imports TensorFlow."""
    NETWORK.convert(source, folder, trained)


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
