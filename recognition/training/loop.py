"""What every training script shares: precision, progress, checkpoints. Imports Keras, so only training imports this."""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import numpy as np

from recognition.files import hash_of, hold, let_go, read_json, write_atomically
from recognition.models import cards
from recognition.models.weights import fill, save_weights, weight_shapes
from recognition.networks.backend import keras, tf
from recognition.progress import Bar
from recognition.settings import UserError, reason_of, say

held: dict[Path, BinaryIO] = {}  # locks of the models that this program trains


def begin(precision: str, seed: int, private: bool = False) -> str:
    """Make Keras ready for a training that comes out the same every time; return what choose_precision does.

    `private`: nobody but the user can read the files that this program makes from now on.
    """
    if private:
        os.umask(0o077)
    keras.backend.clear_session()  # of a training before
    keras.utils.set_random_seed(seed)
    return choose_precision(precision)


def choose_precision(precision: str) -> str:
    """Set Keras to "float32" or "mixed_bfloat16" and return it; "auto" times a convolution in both."""
    if precision == "auto":
        seconds = {}
        for dtype in ("float32", "bfloat16"):
            image, kernel = tf.ones((256, 12, 12, 64), dtype), tf.ones((3, 3, 64, 64), dtype)
            tries = []
            for _ in range(6):
                start = time.perf_counter()
                tf.nn.conv2d(image, kernel, 1, "SAME").numpy()
                tries.append(time.perf_counter() - start)
            seconds[dtype] = min(tries)
        precision = "mixed_bfloat16" if seconds["bfloat16"] < 0.8 * seconds["float32"] else "float32"
    keras.mixed_precision.set_global_policy(precision)
    return precision


def batches(
    make: Callable[[int, int], tuple[np.ndarray, np.ndarray]], steps: int, first_epoch: int, epochs: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield `make(epoch, step)`, the batches (x, y) of all epochs; Keras fetches them in a thread of its own."""
    for epoch in range(first_epoch, epochs):
        for step in range(steps):
            yield make(epoch, step)


def _dropouts(model: keras.Model) -> list[keras.random.SeedGenerator]:
    """Return the random states of a model's dropout layers, which Keras does not save with the weights."""
    return [layer.seed_generator for layer in model.layers if hasattr(layer, "seed_generator")]


def learning_rate(schedule: str, peak: float, steps: int) -> keras.optimizers.schedules.LearningRateSchedule | float:
    """Return the learning rate for so many steps: "constant", "linear", falling to 0, or "one_cycle".

    One cycle rises to `peak` in a fifth of the steps and falls to almost 0 along a cosine: L. Smith, N. Topin,
    "Super-convergence: very fast training of neural networks using large learning rates" (2018).
    """
    if schedule == "constant":
        return peak
    if schedule == "linear":
        return keras.optimizers.schedules.PolynomialDecay(peak, steps, 0.0)
    rise = max(1, steps // 5)
    return keras.optimizers.schedules.CosineDecay(
        peak / 10, max(1, steps - rise), alpha=0.005, warmup_target=peak, warmup_steps=rise
    )


def start_from(model: keras.Model, start: str | None) -> dict:
    """Load the weights of another model to begin with, by its name in models/ or its path; return what its card says.

    That is its name, the hash of its weights and the seconds of all training so far, for the card of the new one; of
    none, nothing. Raises UserError where it is missing or another network.
    """
    if not start:
        return {}
    card, path = cards.read_card(start), cards.card_path(start).with_suffix(".weights.h5")
    fill(model, path, "this architecture", "give --start a model of the same network")
    seconds = card.get("seconds", 0) + card.get("start", {}).get("seconds", 0)
    return {"start": {"model": start, "weights": hash_of(path), "seconds": seconds}}


def settings_of(config) -> dict:
    """Return the settings that make a training what it is: not where its model goes."""
    return {name: value for name, value in asdict(config).items() if name not in ("replace", "verbose")} | {
        "output": "models"
    }


class MarginLoss(keras.losses.Loss):
    """Cross-entropy of cosines, from which the right class's own is reduced first, so that it has to win clearly.

    H. Wang et al., "CosFace: large margin cosine loss for deep face recognition" (2018). Targets: float (N, classes).
    """

    def __init__(self, scale: float, margin: float, label_smoothing: float = 0.0):
        super().__init__(name="margin_loss")
        self._scale, self._margin, self._smoothing = scale, margin, label_smoothing

    def call(self, targets, cosines):
        logits = self._scale * (keras.ops.cast(cosines, "float32") - self._margin * targets)
        targets = targets * (1 - self._smoothing) + self._smoothing / targets.shape[-1]
        return keras.losses.categorical_crossentropy(targets, logits, from_logits=True)


class Checkpoint(keras.callbacks.Callback):
    """Keep the state of training after every epoch, so that a killed run goes on where it was.

    Weights and optimizer go to a new .h5 first; then the .json that names it, with the rest, is moved into place.
    A checkpoint of other settings, on other data, or of other weights to begin with, is not continued.
    From `restore` to `remove` no other program can train a model of that name: each would delete the other's weights.
    """

    def __init__(self, config, data: str):
        """`config`: the settings, output and name among them; `data`: what tells other data to learn from."""
        super().__init__()
        self._folder, self._name, self._verbose = Path(config.output), config.name, config.verbose
        start = getattr(config, "start", None)
        began = {"began": hash_of(cards.card_path(start).with_suffix(".weights.h5"))} if start else {}
        self._settings = json.loads(json.dumps(settings_of(config) | {"data": data} | began))
        self._state = self._folder / f"{self._name}.checkpoint.json"
        self._lock = self._folder.resolve() / f".{self._name}.training.lock"
        self.history: dict[str, list[float]] = {}
        self.seconds = 0.0
        self._start = time.monotonic()

    def show(self, model: keras.Model) -> None:
        """Show the layers of a model to whoever wants to see them."""
        if self._verbose:
            model.summary(print_fn=say)

    def restore(self, model: keras.Model) -> int:
        """Load the last checkpoint into a compiled model; return the number of epochs done, 0 without one.

        Raises UserError while another program trains a model of that name.
        """
        if self._lock not in held:
            lock = hold(self._lock)
            if not lock:
                text = "is being trained by another program: wait till it ends, or choose another --name"
                raise UserError(f"{self._folder / self._name} {text}")
            held[self._lock] = lock
        self._start = time.monotonic()
        if not self._state.exists():
            return 0
        try:
            state = read_json(self._state)
            if state["settings"] != self._settings:
                say(f"{self._state}: from other settings or data, starting anew")
                return 0
            model.optimizer.build(model.trainable_variables)
            weight_shapes(self._folder / state["weights"], "starting anew")
            model.load_weights(self._folder / state["weights"])
            for dropout, value in zip(_dropouts(model), state["random"], strict=True):
                dropout.state.assign(value)
            self.history, self.seconds = state["history"], state["seconds"]
            self._start -= self.seconds
        except (UserError, OSError, ValueError, KeyError, TypeError) as error:
            say(f"{self._state}: cannot be continued ({reason_of(error)}), starting anew")
            return 0
        say(f"continuing after epoch {state['epoch']} ({self._state})")
        return state["epoch"]

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        for key, value in (logs or {}).items():
            self.history.setdefault(key, []).append(float(value))
        self.seconds = time.monotonic() - self._start
        weights = self._folder / f"{self._name}.checkpoint-{epoch + 1}.weights.h5"
        save_weights(self.model, weights)
        state = {
            "epoch": epoch + 1,
            "weights": weights.name,
            "random": [dropout.state.numpy().tolist() for dropout in _dropouts(self.model)],
            "seconds": self.seconds,
            "history": self.history,
            "settings": self._settings,
        }
        write_atomically(self._state, lambda file: file.write_text(json.dumps(state), encoding="utf-8"))
        self._remove_weights(keep=weights)

    def _remove_weights(self, keep: Path | None = None) -> None:
        for path in self._folder.glob(f"{self._name}.checkpoint-*.weights.h5"):
            if path != keep:
                path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Delete the checkpoint: the finished model is saved."""
        self._state.unlink(missing_ok=True)
        self._remove_weights()
        if self._lock in held:
            let_go(held.pop(self._lock))


def fit(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    loss: keras.losses.Loss,
    checkpoint: Checkpoint,
    make: Callable[[int, int], tuple[np.ndarray, np.ndarray]],
    steps: int,
    epochs: int,
    validation: tuple[np.ndarray, np.ndarray] | None = None,
) -> None:
    """Train a model on the batches `make(epoch, step)`, from where its checkpoint stands; show the progress."""
    checkpoint.show(model)
    model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)  # XLA is six times slower on processors
    done, progress = checkpoint.restore(model), ProgressBar()
    if done >= epochs:
        return
    try:
        model.fit(
            batches(make, steps, done, epochs),
            steps_per_epoch=steps,
            validation_data=validation,
            epochs=epochs,
            initial_epoch=done,
            callbacks=[checkpoint, progress],
            shuffle=False,  # `make` has done that
            verbose=0,
        )
    finally:  # also at Ctrl-C: the bar hides the cursor
        progress.close()


class ProgressBar(keras.callbacks.Callback):
    """A progress bar on stderr with rate and remaining time, and a line for every finished epoch."""

    _bar: Bar | None = None

    def close(self) -> None:
        """Take the bar away, if there is one."""
        if self._bar:
            self._bar.close()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._epoch, self._begin = f"{epoch + 1}/{self.params['epochs']}", time.monotonic()
        self._bar = Bar(f"epoch {self._epoch}  step", self.params["steps"])

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._bar.update(batch + 1, f"  loss {float((logs or {}).get('loss', 0)):.3f}")

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.close()
        measured = "  ".join(f"{key} {value:.4f}" for key, value in (logs or {}).items())
        say(f"epoch {self._epoch}  {time.monotonic() - self._begin:.0f} s  {measured}")
