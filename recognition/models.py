"""Save, check, load and run trained models. Running needs LiteRT only; Keras is imported to save or rebuild.

A model is three files: NAME.weights.h5 (what training wrote), NAME.tflite (made from it, what the scripts run) and
NAME.json (the card: what it is, how good, and the SHA-256 of the other two). No file can run code: weights are only
numbers for an architecture in `recognition.networks`.
"""

import hashlib
import json
import os
import re
import tempfile
import warnings
from pathlib import Path

import numpy as np

from recognition.files import ROOT, write_atomically
from recognition.settings import UserError, quiet, say

MODELS = ROOT / "models"
WITH_FEATURES = ("fast",)  # architectures whose .tflite gives the output of its layer "features", too


class Model:
    """A model that LiteRT runs: `predict` maps uint8 images (N, H, W) or (N, H, W, C) to float32 (N, classes).

    Some have features, too: what the last layer but one says of an image, for classes that it was not trained on.
    `shape`: of one image, (H, W, C).
    """

    def __init__(self, content: bytes, card: dict, threads: int = 2):
        from ai_edge_litert.interpreter import Interpreter

        self.card = card
        self.class_names: list[str] = card["class_names"]
        with quiet():
            self._interpreter = Interpreter(model_content=content, num_threads=min(threads, os.cpu_count() or 1))
            self._interpreter.allocate_tensors()
        details = self._interpreter.get_input_details()[0]
        self._input, self.shape = details["index"], tuple(details["shape"][1:])
        outputs = {"probabilities": self._interpreter.get_output_details()[0]}
        if len(self._interpreter.get_output_details()) > 1:
            outputs = self._interpreter.get_signature_runner().get_output_details()  # only these have names
        self._outputs = {name: (details["index"], int(details["shape"][-1])) for name, details in outputs.items()}
        self._width = self._outputs["probabilities"][1]
        self._batch = 0
        if self.class_names and len(self.class_names) != self._width:
            named = len(self.class_names)
            raise UserError(f"the card names {named} classes, the network has {self._width}: train again")

    def threshold(self, wanted: float | None) -> float:
        """Return the least confidence to believe, 0 to 1: what the user wants, or what the model was measured with."""
        threshold = self.card["threshold"] if wanted is None else wanted
        if not 0 <= threshold <= 1:
            raise UserError(f"--threshold {threshold}: must be 0 to 1", 2)
        return threshold

    @property
    def has_features(self) -> bool:
        return "features" in self._outputs

    def predict(self, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
        """Return the probabilities of every image, float32 (N, classes); all images go through in batches."""
        return self.run(images, batch_size)["probabilities"]

    def features(self, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
        """Return the features of every image, float32 (N, D), of a model that `has_features`."""
        return self.run(images, batch_size)["features"]

    def run(self, images: np.ndarray, batch_size: int = 256) -> dict[str, np.ndarray]:
        """Return all that the network says of every image in one pass, each float32 (N, D): "probabilities" and,
        where it has them, "features"."""
        images = images.reshape(len(images), *self.shape)
        parts = [self._run(images[i : i + batch_size]) for i in range(0, len(images), batch_size)]
        return {
            name: np.concatenate([part[index] for part in parts]) if parts else np.zeros((0, width), np.float32)
            for name, (index, width) in self._outputs.items()
        }

    def _run(self, images: np.ndarray) -> dict[int, np.ndarray]:
        if len(images) != self._batch:
            self._batch = len(images)
            self._interpreter.resize_tensor_input(self._input, [self._batch, *self.shape])
            self._interpreter.allocate_tensors()
        self._interpreter.set_tensor(self._input, images.astype(np.float32))
        self._interpreter.invoke()
        return {index: self._interpreter.get_tensor(index) for index, _ in self._outputs.values()}


def check_name(name: str) -> None:
    """Raise UserError for a model's name that would lead out of its folder, or that no file can have."""
    if not re.fullmatch(r"\w[\w .-]*", name):
        raise UserError(f"model name '{name}': must be letters, digits, '-', '_' and '.', without a folder", 2)


def card_path(name: str, folder: Path = MODELS) -> Path:
    """Return the path of a model's card, there or not. Raises UserError for a name that cannot be one."""
    check_name(name)
    return folder / f"{name}.json"


def load(name: str, folder: Path = MODELS) -> Model:
    """Return a saved model, ready to run, after checking its files against the card.

    If the weights were retrained or replaced, or the .tflite is damaged, the .tflite is rebuilt from the weights once.
    Raises UserError for a missing, damaged or foreign file.
    """
    card = read_card(name, folder)
    weights, tflite = folder / f"{name}.weights.h5", folder / f"{name}.tflite"
    how = f"run python {card.get('script', 'train.py')}"
    if not weights.exists():
        raise UserError(f"{weights} not found: {how}, or git checkout models")
    content = tflite.read_bytes() if tflite.exists() else b""
    if _sha256(weights.read_bytes()) == card["sha256"]["weights.h5"] and _sha256(content) == card["sha256"]["tflite"]:
        return Model(content, card)
    model = load_weights(weights, card["architecture"], len(card["class_names"]), how, card.get("shape"))
    say(f"{tflite.name} does not belong to {weights.name}: rebuilding it once (this takes seconds)")
    if _sha256(weights.read_bytes()) != card["sha256"]["weights.h5"]:
        card["measured"] = {}  # what was measured belongs to other weights
    content = export(model)
    write_atomically(tflite, lambda path: path.write_bytes(content))
    card["sha256"] = {"weights.h5": _sha256(weights.read_bytes()), "tflite": _sha256(content)}
    write_card(card, name, folder)
    return Model(content, card)


def load_weights(
    path: Path, architecture: str, classes: int, how: str = "run the train.py that made it", shape: dict | None = None
):
    """Return a Keras model of `architecture` with the weights of an .h5 file. Raises UserError if they do not fit.

    `shape`: what else the architecture is told, from the card of a model that has it.
    """
    weight_shapes(path, how)  # first: it is quick, and Keras is not

    from recognition.networks import architectures

    if architecture not in architectures.ARCHITECTURES:
        known = ", ".join(architectures.ARCHITECTURES)
        raise UserError(f"{path}: architecture '{architecture}' is unknown (known: {known}): {how}")
    try:
        model = architectures.ARCHITECTURES[architecture](classes, **(shape or {}))
    except (TypeError, ValueError) as error:
        raise UserError(f"{path}: its card does not describe architecture '{architecture}' ({error}): {how}") from error
    fill(model, path, f"architecture '{architecture}' with {classes} classes", how)
    return model


def fill(model, path: Path, what: str, how: str) -> None:
    """Load the weights of an .h5 file into a Keras model, which is `what`. Raises UserError if they do not fit."""
    found = weight_shapes(path, how)
    expected = [tuple(weight.shape) for weight in model.weights]
    missing, foreign = _difference(expected, found), _difference(found, expected)
    if missing or foreign:
        raise UserError(
            f"{path} does not fit {what}: needs weights of shape {_first(missing) or 'none more'}, "
            f"has {_first(foreign) or 'none'}: {how}"
        )
    try:
        with warnings.catch_warnings(action="ignore"):  # the error says it in one line
            model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise UserError(f"{path} cannot be read as weights ({str(error).splitlines()[0]}): {how}") from error


def _first(shapes: list) -> str:
    return ", ".join(map(str, shapes[:8])) + (" ..." if len(shapes) > 8 else "")


def _difference(a: list, b: list) -> list:
    rest = list(b)
    return [item for item in a if not (item in rest and not rest.remove(item))]


def weight_shapes(path: Path, how: str) -> list[tuple[int, ...]]:
    """Return the shapes of the arrays in an .h5 file, refusing any file that points outside itself."""
    import h5py

    shapes: list[tuple[int, ...]] = []

    def walk(group: h5py.Group) -> None:
        for key in group:
            link = group.get(key, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise UserError(f"{path} refused: '{group.name}/{key}' is a link ({type(link).__name__}): {how}")
            item = group[key]
            if isinstance(item, h5py.Group):
                walk(item)
            elif not isinstance(item, h5py.Dataset) or item.is_virtual or item.external:
                raise UserError(f"{path} refused: '{item.name}' does not keep its numbers in this file: {how}")
            elif "seed_generator" not in item.name and "optimizer" not in item.name:
                shapes.append(item.shape)

    try:
        with h5py.File(path, "r") as file:
            walk(file)
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise UserError(f"{path} is damaged or no HDF5 file ({str(error).splitlines()[0]}): {how}") from error
    return shapes


def save(model, card: dict, name: str, folder: Path = MODELS) -> None:
    """Write a Keras model as NAME.weights.h5, NAME.tflite and NAME.json, each moved into place when complete.

    `card` needs architecture, class_names and threshold; the hashes are added. The card comes last, so a kill in
    between leaves weights that `load` notices and exports again.
    """
    check_name(name)

    from recognition.networks import architectures
    from recognition.networks.backend import keras

    # A model of its own: float32, without an optimizer's memory
    keras.mixed_precision.set_global_policy("float32")
    clean = architectures.ARCHITECTURES[card["architecture"]](len(card["class_names"]), **card.get("shape", {}))
    clean.set_weights(model.get_weights())
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f"{name}.weights.h5"
    write_atomically(weights, clean.save_weights, suffix=".weights.h5")
    content = export(clean)
    write_atomically(folder / f"{name}.tflite", lambda path: path.write_bytes(content))
    card["sha256"] = {"weights.h5": _sha256(weights.read_bytes()), "tflite": _sha256(content)}
    write_card(card, name, folder)


def export(model, rounded: bool | None = None) -> bytes:
    """Return a Keras model as the bytes of a .tflite file, with a second output where others build on its features.

    `rounded`: its weights to 8 bits (3.5 times as fast), by default all but those of a head, which are few.
    """
    import keras
    import tensorflow as tf

    rounded = model.name != "head" if rounded is None else rounded
    optimizations = [tf.lite.Optimize.DEFAULT] if rounded else []
    if model.name in WITH_FEATURES:
        outputs = {"probabilities": model.output, "features": model.get_layer("features").output}
        model = keras.Model(model.input, outputs)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        model(np.zeros((1, *model.input_shape[1:]), np.float32))
        keras.config.disable_interactive_logging()
        with quiet():
            model.export(path, format="litert", verbose=False, optimizations=optimizations)
        return path.read_bytes()


def read_card(name: str, folder: Path = MODELS) -> dict:
    """Return a model's card. Raises UserError where it is missing or damaged."""
    path = card_path(name, folder)
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        missing = {"architecture", "class_names", "threshold", "sha256"} - card.keys()
        missing |= {"weights.h5", "tflite"} - card.get("sha256", {}).keys()
        if missing:
            raise ValueError("without " + ", ".join(sorted(missing)))
    except FileNotFoundError:
        raise UserError(f"{path} not found: train the model, or git checkout models") from None
    except (ValueError, AttributeError) as error:  # no JSON, or JSON of another kind
        raise UserError(f"{path} is damaged ({error}): train the model again, or git checkout models") from error
    return card


def write_card(card: dict, name: str, folder: Path = MODELS) -> None:
    """Write a model's card, indented so that a person can read it; a list of numbers takes one line."""
    text = json.dumps(card, indent=2) + "\n"
    text = re.sub(r"\[\n[-+.\de,\s]+\]", lambda numbers: " ".join(numbers[0].split()), text)
    write_atomically(card_path(name, folder), lambda path: path.write_text(text, encoding="utf-8"))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
