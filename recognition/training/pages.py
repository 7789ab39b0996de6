"""Train the network that reads whole pages, on a pool of pages that are made."""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from recognition.networks import pages
from recognition.networks.backend import keras
from recognition.settings import say
from recognition.training import loop
from recognition.training.page_batches import CLASSES, make_batch
from recognition.training.page_pool import Pool


def _batches(config, pool: Pool, first_epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the batches of all epochs that are left, made in threads: the same for the same seed, epoch and step."""

    def make(epoch: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([config.seed, epoch, step])
        return make_batch(pool, rng.integers(0, len(pool), config.batch_size), config.side, rng)

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


def fit(config, pool: Pool, checkpoint: loop.Checkpoint) -> keras.Model:
    """Return the network, trained from where its checkpoint stands; a step takes 0.1 s, so Keras's `fit` is too slow."""
    cv2.setNumThreads(1)
    model = pages.pages(len(CLASSES))
    rate = loop.learning_rate("one_cycle", config.learning_rate, config.steps * config.epochs)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=config.weight_decay, clipnorm=5.0)
    model.compile(optimizer, pages.loss(len(CLASSES)), jit_compile=False)
    model.summary(print_fn=say)
    done, progress = checkpoint.restore(model), loop.ProgressBar()
    checkpoint.set_model(model)
    progress.set_params({"steps": config.steps, "epochs": config.epochs})
    batches = _batches(config, pool, done)
    try:
        for epoch in range(done, config.epochs):
            progress.on_epoch_begin(epoch)
            model.reset_metrics()
            for step in range(config.steps):
                logs = model.train_on_batch(*next(batches), return_dict=True)
                progress.on_train_batch_end(step, logs)
            checkpoint.on_epoch_end(epoch, logs)
            progress.on_epoch_end(epoch, logs)
    finally:
        batches.close()
        progress.close()
    return model
