"""How a training begins and ends: what works is not spoiled, and only what fits is continued."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from recognition.models import cards

MNIST = {
    "architecture": "compact",
    "class_names": ["0"],
    "dataset": {"name": "mnist", "sha256": "a"},
    "measured": {"test_accuracy": 0.99},
}
OWN = {
    "architecture": "head",
    "class_names": ["dog", "cat"],
    "dataset": {"name": "dogs", "images": 50, "sha256": "a"},
    "measured": {"validation_accuracy": 0.9},
}


@pytest.mark.parametrize(
    ("old", "changes", "kept"),
    [
        (MNIST, {}, ""),  # the same once more
        (MNIST, {"measured": {"test_accuracy": 0.995}}, ""),
        (MNIST, {"measured": {"test_accuracy": 0.6967}}, r"is better, 99\.00%, the new one has 69\.67%"),
        (MNIST, {"dataset": {"name": "my.npz", "sha256": "b"}}, r"99\.00% on other data, mnist.*99\.00% on my\.npz"),
        (MNIST | {"measured": {}}, {"measured": {"test_accuracy": 0.5}}, r"not measured, the new one has 50\.00%"),
        (
            MNIST,
            OWN | {"dataset": {"name": "dogs", "images": 50, "sha256": "b"}},
            r"on other data, mnist.*90\.00% on dogs",
        ),
        (OWN, {"measured": {"validation_accuracy": 0.8}}, r"is better, 90\.00%"),
        (OWN, {"dataset": {"name": "dogs", "images": 60, "sha256": "b"}, "measured": {"validation_accuracy": 0.8}}, ""),
        (OWN, {"dataset": {"name": "cats", "images": 60, "sha256": "b"}}, "on other data, dogs"),
        (
            OWN,
            {"dataset": {"name": "dogs", "images": 60, "sha256": "b"}, "class_names": ["ant", "bee"]},
            "on other data",
        ),
    ],
)
def test_what_works_is_not_spoiled(tmp_path, old, changes, kept):
    """A better model stays, and one for other data; a folder of one's own images may have grown."""
    from recognition.training import finish

    said = finish.reason_to_keep(old | changes, "a", tmp_path)
    assert said is None  # nothing is there
    cards.write_card(
        {"class_names": [], "threshold": 0, "sha256": {"weights.h5": "", "tflite": ""}} | old, "a", tmp_path
    )
    said = finish.reason_to_keep(old | changes, "a", tmp_path)
    assert re.search(kept, said) if kept else said is None
    (tmp_path / "a.json").write_text("{")
    assert "is damaged" in finish.reason_to_keep(old | changes, "a", tmp_path)


@dataclass
class Run:
    """Settings of a training."""

    output: Path
    name: str = "a"
    verbose: bool = False
    epochs: int = 2
    replace: bool = False
    start: str | None = None


def test_checkpoints_that_do_not_fit_are_not_continued(tmp_path, capsys):
    import keras

    from recognition.training import loop

    def compiled(seed: int) -> keras.Model:
        keras.utils.set_random_seed(seed)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        model.compile("adam", "mse")
        return model

    model = compiled(0)
    checkpoint = loop.Checkpoint(Run(tmp_path), "data")
    checkpoint.set_model(model)
    checkpoint.on_epoch_end(0, {"loss": 0.5})
    restored = compiled(1)
    again = loop.Checkpoint(Run(tmp_path), "data")
    assert again.restore(restored) == 1
    assert np.array_equal(restored.get_weights()[0], model.get_weights()[0])
    assert again.history == {"loss": [0.5]}
    assert "continuing after epoch 1" in capsys.readouterr().err

    assert loop.Checkpoint(Run(tmp_path, epochs=3), "data").restore(compiled(1)) == 0
    assert loop.Checkpoint(Run(tmp_path), "other data").restore(compiled(1)) == 0
    assert "other settings" in capsys.readouterr().err
    began = Run(tmp_path, start=str(tmp_path / "old"))
    for content, done in ((b"one", 0), (b"one", 1), (b"two", 0)):  # as the weights that training begins with
        (tmp_path / "old.weights.h5").write_bytes(content)
        assert loop.Checkpoint(began, "data").restore(compiled(1)) == done
        checkpoint = loop.Checkpoint(began, "data")
        checkpoint.set_model(model)
        checkpoint.on_epoch_end(0, {"loss": 0.5})
    checkpoint = loop.Checkpoint(Run(tmp_path), "data")
    checkpoint.set_model(model)
    checkpoint.on_epoch_end(0, {"loss": 0.5})
    capsys.readouterr()
    for damaged in (tmp_path / "a.checkpoint-1.weights.h5", tmp_path / "a.checkpoint.json"):
        damaged.write_bytes(damaged.read_bytes()[:50])
        assert loop.Checkpoint(Run(tmp_path), "data").restore(compiled(1)) == 0
        assert "starting anew" in capsys.readouterr().err
