"""How a training ends: the model is measured as everybody will run it, drawn, and moved into place in one go.

What works is not spoiled: a model that is worse than the one in place, or measured on other data, gets another name.
"""

import itertools
import os
import platform
from collections.abc import Callable
from pathlib import Path

import numpy as np

from recognition.evaluation import plots
from recognition.models import cards, store
from recognition.models.litert import Model
from recognition.networks.backend import keras, tf
from recognition.settings import UserError, say
from recognition.training.loop import settings_of

NEW = "_new"  # follows the name of a model that does not replace the one in place


def versions() -> dict[str, str]:
    """Return what a result depends on: Python, Keras, TensorFlow, NumPy and the machine."""
    return {
        "python": platform.python_version(),
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }


def trained_before(config, dataset: str) -> dict | None:
    """Return the card of a model that was trained with these settings on a dataset of that SHA-256, or None."""
    for name in (config.name, config.name + NEW):
        try:
            card = store.load(name, Path(config.output)).card
        except UserError:
            continue
        same = card.get("settings") == settings_of(config) and card["dataset"]["sha256"] == dataset
        if same and card.get("measured"):
            say(f"{name}: trained with these settings before")
            return card
    return None


def save(
    config,
    model,
    checkpoint,
    card: dict,
    measure: Callable[[Model, dict], np.ndarray],
    samples: np.ndarray | None = None,
) -> tuple[Path, dict]:
    """Write all files of a Keras model that was trained; return its path in models/, without a suffix, and its card.

    `card`: what it says besides how the model came to be: settings, seconds, precision, versions. `measure`, `samples`:
    see `write`. The checkpoint is removed, unless the model got another name: with it --replace need not train again.
    """
    card = {
        "architecture": config.architecture,
        **card,
        "settings": settings_of(config),
        "seconds": round(checkpoint.seconds, 1),
        "precision": keras.mixed_precision.global_policy().name,
        "versions": versions(),
    }
    path = write(config, model, card, measure, checkpoint.history, samples)
    if path.name == config.name:
        checkpoint.remove()
    return path, card


def write(
    config,
    model,
    card: dict,
    measure: Callable[[Model, dict], np.ndarray],
    history: dict[str, list[float]],
    samples: np.ndarray | None = None,
) -> Path:
    """Write all files of a Keras model and return its path in models/, without a suffix.

    `config`: the settings name, output and replace. `card`: see store.save. `measure` gets the model as LiteRT runs it
    and this card, in which it sets "threshold" and "measured", and returns the confusion matrix. `history`: see
    plots.plot_history; {} draws none. `samples`: see store.export.
    """
    name, folder = config.name, Path(config.output)
    with store.staged(model, card | {"threshold": 1.0}, name, folder, samples) as staging:
        saved = store.load(name, staging)  # what is measured is the file that everyone uses
        matrix = measure(saved, card)
        card["sha256"] = saved.card["sha256"]
        cards.write_card(card, name, staging)
        plots.plot_confusion(matrix, card["class_names"][: len(matrix)], staging / f"{name}_confusion.png")
        kept = None if config.replace else reason_to_keep(card, name, folder)
        others = (f"{name}{NEW}{'' if k == 1 else f'-{k}'}" for k in itertools.count(1))
        final = next(other for other in others if not reason_to_keep(card, other, folder)) if kept else name
        if history:
            plots.plot_history(history, staging / f"{name}_history.png")
        else:
            (folder / f"{final}_history.png").unlink(missing_ok=True)  # of a training before
        store.install(staging, name, folder, final)
    if kept:
        model = final if folder.resolve() == cards.MODELS else folder / final
        use = f"{'--recognizer cnn ' if 'photos' in card['dataset'] else ''}--model {model}"
        say(f"{kept}: kept as {folder / final}: use it with {use}, or put it in place with --replace")
    return folder / final


def accuracy_of(card: dict) -> float | None:
    """Return the accuracy, 0 to 1, that counts, of the test set if there is one; None if nothing was measured."""
    measured = card.get("measured", {})
    accuracy = measured.get("test_accuracy", measured.get("validation_accuracy"))
    return accuracy if isinstance(accuracy, float) else None


def reason_to_keep(card: dict, name: str, folder: Path) -> str | None:
    """Return why the model in place has to stay, with how good both are; None if the new one may replace it.

    A folder of one's own images grows: whoever trains on it again, with a class of before, wants what is in it now.
    """
    path, now = folder / name, accuracy_of(card)
    try:
        old = cards.read_card(name, folder)
    except UserError as error:
        return f"{error}; the new one has {now:.2%}" if path.with_name(f"{name}.json").exists() else None
    was, data, new_data = accuracy_of(old), old.get("dataset", {}), card["dataset"]
    if was is None:
        return f"{path} was replaced by hand and not measured, the new one has {now:.2%}"
    if data.get("sha256") == new_data["sha256"]:
        return f"{path} is better, {was:.2%}, the new one has {now:.2%}" if was > now else None
    shared = set(old["class_names"]) & set(card["class_names"])
    if data.get("name") == new_data["name"] and new_data.keys() & {"images", "photos"} and shared:
        say(f"{path}: {was:.2%} on what was in {new_data['name']} before, {now:.2%} on what is in it now")
        return None
    return f"{path} has {was:.2%} on other data, {data.get('name')}, the new one {now:.2%} on {new_data['name']}"
