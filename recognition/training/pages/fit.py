"""Train the network that reads whole pages, on a pool of pages that are made."""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from recognition import files
from recognition.networks import pages
from recognition.networks.backend import keras
from recognition.settings import say
from recognition.training import datasets, finish, loop
from recognition.training.muon import Muon
from recognition.training.pages.batches import CLASSES, make_batch
from recognition.training.pages.pool import VERSION, Pool, make_pool
from recognition.training.pages.scores import measure

POOLS = files.DATA / "page_pool"
TEST_PAGES = 500
SAMPLES = 200  # cut-outs that tell how large the numbers between the layers become
ADAM_SHARE = 0.008  # of the learning rate, for all that is no convolution
PREPROCESSING = 1  # version of what `detection` shows the network


def _batches(config, pool: Pool, first_epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the batches of all epochs that are left, made in threads: the same for the same seed, epoch and step."""

    def make(epoch: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([config.seed, epoch, step, *([1] if config.start else [])])  # not the same again
        return make_batch(pool, rng.integers(0, len(pool), config.batch_size), rng)

    order = ((epoch, step) for epoch in range(first_epoch, config.epochs) for step in range(config.steps))
    with ThreadPoolExecutor(max(1, (os.cpu_count() or 2) // 2)) as threads:
        waiting = deque(threads.submit(make, *place) for _, place in zip(range(6), order, strict=False))
        try:
            while waiting:
                batch = waiting.popleft().result()
                if place := next(order, None):
                    waiting.append(threads.submit(make, *place))
                yield batch
        finally:
            for one in waiting:
                one.cancel()


def run(config, model: keras.Model, pool: Pool, checkpoint: loop.Checkpoint) -> None:
    """Train the network from where its checkpoint stands; Keras's `fit` would wait too long for batches."""
    cv2.setNumThreads(1)
    rate = loop.learning_rate("one_cycle", config.learning_rate, config.steps * config.epochs)
    optimizer = Muon(rate, adam_lr_ratio=ADAM_SHARE, weight_decay=0.0)  # Adam needs twice the steps
    model.compile(optimizer, pages.loss(len(CLASSES)), jit_compile=False)
    checkpoint.show(model)
    done, progress = checkpoint.restore(model), loop.ProgressBar()
    checkpoint.set_model(model)
    progress.set_params({"steps": config.steps, "epochs": config.epochs})
    batches = _batches(config, pool, done)
    try:
        for epoch in range(done, config.epochs):
            progress.on_epoch_begin(epoch)
            total = 0.0
            for step in range(config.steps):
                model.reset_metrics()
                total += float(model.train_on_batch(*next(batches)))
                logs = {"loss": total / (step + 1)}
                progress.on_train_batch_end(step, logs)
            checkpoint.on_epoch_end(epoch, logs)
            progress.on_epoch_end(epoch, logs)
    finally:
        batches.close()
        progress.close()


def train(config, arrays: tuple[np.ndarray, ...], extra: tuple | None = None) -> tuple[Path, dict]:
    """Make the pool, train the page reader on it, and save it: return its path, without a suffix, and its card.

    `config`: settings of digit_recognition/train.py; `arrays`: digits as datasets.load gives them; `extra`: images and
    labels of one's own, a tenth of what is written with. What is measured are pages of another seed, written with the
    test set's digits: "test_accuracy" is the share of handwritten digits of readable size that were read right,
    "false_per_page" what was read where there is none.
    """
    x, y, x_test, y_test = arrays
    if extra:
        times = max(1, len(x) // (9 * len(extra[0])))
        x, y = np.concatenate([x, *[extra[0]] * times]), np.concatenate([y, *[extra[1]] * times])
    precision = loop.begin(config.precision, config.seed)
    say(f"{config.pages:,} pages to learn from, made once in {POOLS}, {precision}")
    pool = make_pool(POOLS, config.pages, config.seed, (x, y))
    test = make_pool(POOLS, min(TEST_PAGES, config.pages), config.seed + 1, (x_test, y_test))
    # What it is measured on: pages of other sources, or others of them, are other data
    dataset = files.sha256(f"{datasets.sha256(arrays)} {test.name} {len(test)}".encode())
    model = pages.pages(len(CLASSES))
    started = loop.start_from(model, config.start)
    checkpoint = loop.Checkpoint(config, pool.name)
    run(config, model, pool, checkpoint)
    card = {
        "class_names": CLASSES,
        "input": "uint8 (H, W) gray, multiples of 32, as recognition.digits.detection makes it",
        "preprocessing": PREPROCESSING,
        "script": "digit_recognition/train.py --architecture pages",
        "dataset": {"name": config.dataset, "sha256": dataset, "pages": config.pages, "generator": VERSION},
    } | started
    samples = make_batch(pool, np.arange(min(SAMPLES, len(pool))), np.random.default_rng(config.seed))[0]
    return finish.save(config, model, checkpoint, card, partial(measure, test), samples)
