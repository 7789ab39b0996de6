"""dlib's face descriptor, converted once on this computer into a file that LiteRT runs (20 MB, in data/models).

TensorFlow, which does it, is started as a program of its own: it would stay in memory for as long as the caller runs.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from recognition.embeddings import dlib_weights
from recognition.embeddings.dlib_weights import Layer
from recognition.files import PUBLISHED, ROOT
from recognition.models import converted
from recognition.settings import UserError, say

NAME = "dlib_resnet_v1"
VERSION = 2  # of the network that is written; another number, and it is converted again
KEPT = {"sha256": dlib_weights.RESNET_SHA256, "version": VERSION}  # what the card of the conversion must say
LIMIT = 180  # seconds, after which something must be wrong
CODE = (
    "import sys; from recognition.embeddings import dlib_conversion as conversion; "
    "conversion.convert(*map(conversion.Path, sys.argv[1:]))"
)


def read(folder: Path = PUBLISHED) -> bytes | None:
    """Return the converted descriptor as the bytes of a .tflite file; None where there is none, or it is damaged."""
    found = converted.read(NAME, KEPT, folder)
    return found and found[1]


def fetch(source: Path, folder: Path = PUBLISHED) -> bytes:
    """Return the converted descriptor, converted now if it was not; raises UserError where that cannot be done.

    `source`: dlib's file, only looked at to convert it.
    """
    content = read(folder)
    if content is None:
        dlib_weights.check(source)
        missing = [name for name in ("tensorflow", "keras") if importlib.util.find_spec(name) is None]
        if missing:
            raise UserError(f"dlib's face descriptor can only be made fast by {missing[0]}: pip install {missing[0]}")
        say("converting dlib's face descriptor, once on this computer (this takes about 15 seconds)")
        _start(source, folder)
        content = read(folder)
    if content is None:
        raise UserError(f"dlib's face descriptor was converted but cannot be read back: delete {folder / NAME}.*")
    return content


def _start(source: Path, folder: Path) -> None:
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    try:
        # -P: whatever lies where the user happens to be is not imported
        subprocess.run(
            [sys.executable, "-P", "-c", CODE, str(source), str(folder)],
            env=os.environ | {"PYTHONPATH": path, "PYTHONUTF8": "1", "CUDA_VISIBLE_DEVICES": ""},  # no need of a GPU
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=True,
            timeout=LIMIT,
        )
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or [f"exit code {error.returncode}"])[-1]
        raise UserError(f"dlib's face descriptor was not converted ({reason})") from None
    except subprocess.TimeoutExpired:
        raise UserError(f"dlib's face descriptor was not converted within {LIMIT} seconds") from None


def convert(source: Path, folder: Path) -> None:
    """Write dlib's descriptor as NAME.tflite and its card, unless that was done. Imports TensorFlow."""
    converted.convert(
        source,
        NAME,
        lambda path: (trained(dlib_weights.read(path)), {"version": VERSION}),
        KEPT,
        "dlib's face descriptor",
        "15 seconds",
        folder,
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
