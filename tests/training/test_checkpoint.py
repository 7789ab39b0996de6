"""A training that was stopped and continued is the same as one that was not, whatever it keeps from step to step."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from recognition.files import ROOT, hold
from recognition.settings import UserError

EPOCHS, STEPS = 4, 5


@dataclass
class Run:
    """Settings of a training."""

    output: Path
    name: str = "a"
    verbose: bool = False


def build(schedule: bool):
    """Return a small compiled network with all that has a memory: normalisation, dropout, an optimizer of our own."""
    from recognition.networks.backend import FusedBatchNormalization, keras, layers
    from recognition.training import loop

    class Heavy(keras.optimizers.Optimizer):
        """Momentum, and a step counter of its own; both are lost if only Keras's own state is kept."""

        def build(self, variables):
            if not self.built:
                super().build(variables)
                self.velocities = [self.add_variable_from_reference(one, name="velocity") for one in variables]
                self.counter = self.add_variable((), name="counter")

        def update_step(self, gradient, variable, learning_rate):
            velocity = self.velocities[self._get_variable_index(variable)]
            velocity.assign(0.9 * velocity + gradient)
            self.counter.assign(self.counter + 1)
            variable.assign(variable - learning_rate * velocity / (1 + 0.01 * self.counter))

    inputs = keras.Input((8, 8, 3))
    x = FusedBatchNormalization(momentum=0.6)(layers.Conv2D(4, 3)(inputs))
    x = layers.Dropout(0.5)(layers.Flatten()(x))
    x = layers.Dropout(0.2)(layers.Dense(8, activation="relu")(x))
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(x))
    rate = loop.learning_rate("one_cycle" if schedule else "constant", 0.1 if schedule else 0.05, EPOCHS * STEPS)
    return model, Heavy(rate)


def make(epoch: int, step: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([epoch, step])
    images = rng.integers(0, 256, (16, 8, 8, 3)).astype(np.uint8)
    return images, np.eye(2, dtype=np.float32)[(images.mean((1, 2, 3)) > 127).astype(int)]


def fit(folder: Path, seed: int, epochs: int = EPOCHS, schedule: bool = True):
    """Train, or go on training, a network that begins anew with `seed`; return it and its checkpoint."""
    from recognition.networks.backend import keras
    from recognition.training import loop

    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    model, optimizer = build(schedule)
    checkpoint = loop.Checkpoint(Run(folder), "data")
    loop.fit(model, optimizer, "categorical_crossentropy", checkpoint, make, STEPS, epochs, make(99, 0))
    return model, checkpoint


@pytest.mark.parametrize("schedule", [True, False])
def test_going_on_is_the_same_as_never_stopping(tmp_path, schedule):
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    whole, whole_checkpoint = fit(tmp_path / "whole", seed=1, schedule=schedule)
    fit(tmp_path / "parts", seed=1, epochs=1, schedule=schedule)
    fit(tmp_path / "parts", seed=2, epochs=3, schedule=schedule)  # a new process begins with other numbers
    parts, parts_checkpoint = fit(tmp_path / "parts", seed=3, schedule=schedule)
    for expected, found in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    for expected, found in zip(whole.optimizer.variables, parts.optimizer.variables, strict=True):
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-4, atol=1e-5, err_msg=expected.path)
    assert whole.optimizer.counter.numpy() == EPOCHS * STEPS * len(whole.trainable_variables)
    assert whole_checkpoint.history.keys() == parts_checkpoint.history.keys()
    for key, values in whole_checkpoint.history.items():
        assert len(values) == EPOCHS
        np.testing.assert_allclose(parts_checkpoint.history[key], values, rtol=1e-4, err_msg=key)


HOLD = """
import sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from recognition.files import hold
lock = hold(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_a_name_is_trained_by_one_program_at_a_time(tmp_path):
    """Each would delete the other's weights; a training that ends, or is killed, is in nobody's way."""
    (tmp_path / "a.checkpoint-1.weights.h5").write_bytes(b"of the other training")
    command = [sys.executable, "-c", HOLD.format(root=str(ROOT)), str(tmp_path / ".a.training.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UserError, match=r"a is being trained by another program: .* another --name"):
            fit(tmp_path, seed=1, epochs=1)
        other.kill()
    assert [path.name for path in tmp_path.glob("a.*")] == ["a.checkpoint-1.weights.h5"]
    _, checkpoint = fit(tmp_path, seed=1, epochs=1)
    assert hold(tmp_path / ".a.training.lock") is None
    fit(tmp_path, seed=2, epochs=2)  # the same program may go on
    checkpoint.remove()
    with hold(tmp_path / ".a.training.lock"):
        assert not list(tmp_path.glob("a.*"))
