"""Save, check, load and run trained models. Running needs LiteRT only; Keras is imported to save or rebuild.

A model is three files: NAME.weights.h5 (what training wrote), NAME.tflite (made from it, what the scripts run) and
NAME.json (the card: what it is, how good, and the SHA-256 of the other two). No file can run code: weights are only
numbers for an architecture in `recognition.networks`.
"""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from recognition.files import read_bytes, sha256, sync, write_atomically
from recognition.models.cards import MODELS, check_name, complete, locate, read_card, write_card
from recognition.models.litert import Damaged, Maps, Model
from recognition.models.weights import load_weights, save_weights
from recognition.settings import UserError, quiet, say

ABANDONED = 600  # seconds after which half a model has no writer any more
MAPS = ("pages",)  # architectures that take images of any size and give maps
# Layers whose output a .tflite gives, too
LAYERS = {"fast": ["features"], "efficientnet_lite0": ["features", "trunk"]}
BITS = {"head": 32, "fine_tuned": 16}  # of weights, by default; all others: 8
HALF = ("fast",)  # architectures whose .h5 holds numbers of 16 bits: half as large, the same answers


def load(model: str, folder: Path = MODELS) -> Model | Maps:
    """Return a saved model, ready to run, after checking its files against the card; `model` as for cards.locate.

    If the weights were retrained or replaced, or the .tflite is damaged, the .tflite is rebuilt from the weights once.
    Raises UserError for a missing, damaged or foreign file.
    """
    name, folder = locate(model, folder)
    for _ in range(2):  # in between a training may have moved its files into place
        card = read_card(name, folder)
        weights, tflite = folder / f"{name}.weights.h5", folder / f"{name}.tflite"
        how = f"run python {card.get('script', 'train.py')}"
        if not weights.exists():
            raise UserError(f"{weights} not found: {how}, or git checkout models")
        found = {"weights.h5": sha256(read_bytes(weights))}
        content = read_bytes(tflite) if tflite.exists() else b""
        if found | {"tflite": sha256(content)} == card["sha256"]:
            return _runner(content, card, tflite)
    network = load_weights(weights, card["architecture"], len(card["class_names"]), how, card.get("shape"))
    say(f"{tflite.name} does not belong to {weights.name}: rebuilding it once (this takes seconds)")
    if found["weights.h5"] != card["sha256"]["weights.h5"]:
        card["measured"] = {}  # what was measured belongs to other weights
    content = export(network)
    write_atomically(tflite, lambda path: path.write_bytes(content))
    shutil.copymode(weights, tflite)  # those of a network that knows faces are its user's alone
    card["sha256"] = found | {"tflite": sha256(content)}
    write_card(card, name, folder)
    return _runner(content, card, tflite)


def _runner(content: bytes, card: dict, tflite: Path) -> Model | Maps:
    """Return the model that runs a file; UserError where it is damaged, or another than its card says."""
    try:
        model = (Maps if card["architecture"] in MAPS else Model)(content, card)
        _try(model, card)
    except Damaged as error:
        raise UserError(f"{tflite}: {error}") from None
    return model


def _try(model: Model | Maps, card: dict) -> None:
    """Run a model once, on next to nothing. Raises Damaged where it cannot be, or has not what its card tells of."""
    if isinstance(model, Maps):
        maps = model.run(np.zeros((64, 64), np.uint8))
        fits = maps.ndim == 3 and maps.shape[:2] == (16, 16) and maps.shape[2] > len(model.class_names)
    else:
        found = model.run(np.ones((1, *model.shape), np.uint8))
        inside = found["features"].shape[1] if model.has_features else 0
        fits = ("near" in found or "near" not in card) and len(card.get("line", [0] * (inside + 1))) == inside + 1
    if not fits:
        raise Damaged("a network that is not the one which its card describes: train it again")


def save(model, card: dict, name: str, folder: Path = MODELS) -> None:
    """Write a Keras model as NAME.weights.h5, NAME.tflite and NAME.json, which come into place together.

    `card` needs architecture, class_names and threshold; the hashes are added.
    """
    with staged(model, card, name, folder) as staging:
        install(staging, name, folder)


@contextlib.contextmanager
def staged(model, card: dict, name: str, folder: Path = MODELS, samples: np.ndarray | None = None) -> Iterator[Path]:
    """Write the files of a Keras model, as `save` does, into a folder of their own, for `install`, and give it.

    `samples`: see `export`.
    """
    check_name(name)

    from recognition.networks import architectures
    from recognition.networks.backend import keras

    # A model of its own: float32, without an optimizer's memory
    keras.mixed_precision.set_global_policy("float32")
    build = partial(
        architectures.ARCHITECTURES[card["architecture"]], len(card["class_names"]), **card.get("shape", {})
    )
    stored = clean = build()
    clean.set_weights(model.get_weights())
    if card["architecture"] in HALF:
        keras.mixed_precision.set_global_policy("float16")
        stored = build()
        stored.set_weights(clean.get_weights())
        clean.set_weights(stored.get_weights())  # what the .tflite is made from now and later is the same
        keras.mixed_precision.set_global_policy("float32")
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f".{name}.*.partial"):  # by a run that was killed
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > ABANDONED:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
    staging = Path(tempfile.mkdtemp(".partial", f".{name}.", folder))
    try:
        weights, content = staging / f"{name}.weights.h5", export(clean, samples=samples)
        save_weights(stored, weights)
        (staging / f"{name}.tflite").write_bytes(content)
        card["sha256"] = {"weights.h5": sha256(weights.read_bytes()), "tflite": sha256(content)}
        write_card(card, name, staging)
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def install(staging: Path, name: str, folder: Path, final: str | None = None) -> None:
    """Move the staged files of a model into place, such that after a kill the old ones are there, or the new ones.

    `final`: the name that they get, if not the one that they were staged under.
    """
    final = final or name
    for path in staging.iterdir():
        sync(path)
        path.rename(path.with_name(final + path.name.removeprefix(name)))
    complete(final, folder)
    staging.rename(folder / f".{final}.finished")  # from now on they count: whoever comes next completes the move
    complete(final, folder)


def export(model, bits: int | None = None, samples: np.ndarray | None = None) -> bytes:
    """Return a Keras model as the bytes of a .tflite file, with more outputs where others build on its features.

    `bits`: what its weights are rounded to, 8 (3.5 times as fast), 16 (half as large) or 32, see BITS. `samples`: of
    what goes in, float32 (N, ...): with them all numbers between its layers are rounded, too (4.5 times as fast).
    """
    import keras
    import tensorflow as tf

    bits = bits or BITS.get(model.name, 8)
    how = {"optimizations": [tf.lite.Optimize.DEFAULT] if bits < 32 else []}
    if bits == 16:
        how["target_spec"] = {"supported_types": [tf.float16]}
    if samples is not None:
        how["representative_dataset"] = lambda: ([sample[None]] for sample in samples)
    if model.name in LAYERS:
        more = {name: model.get_layer(name).output for name in LAYERS[model.name]}
        model = keras.Model(model.input, {"probabilities": model.output, **more})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        count, *sides = model.input_shape
        model(np.zeros((count or 1, *(size or 64 for size in sides)), np.float32))
        if count:  # Keras would write it for any number
            how["input_signature"] = [keras.InputSpec(dtype="float32", shape=model.input_shape)]
        keras.config.disable_interactive_logging()
        with quiet():
            model.export(path, format="litert", verbose=False, **how)
        return path.read_bytes()
