"""Let the last block of EfficientNet-Lite0 learn own classes together with the head: train_transfer.py --unfreeze.

The head first, on the block as it is, then both: A. Kumar et al., "Fine-tuning can distort pretrained features and
underperform out-of-distribution" (2022). What the blocks before say of each image is computed once.
"""

import math

import numpy as np

from recognition.networks import efficientnet
from recognition.networks.backend import keras
from recognition.networks.objects import fine_tuned
from recognition.objects import lite0
from recognition.objects.classes import known_classes
from recognition.progress import watched
from recognition.training import datasets, loop
from recognition.training.transfer import head

# Times through the images of a fold, as many steps for all of them in the end; images a step; highest learning rate
EPOCHS, BATCH, RATE = 10, 32, 1e-4


def learn(
    config, x: np.ndarray, y: np.ndarray, names: list[str], split: list[tuple], trunk: np.ndarray, backbone
) -> head.Learned:
    """Do as `head.learn`, and fine-tune each head with the last block; `trunk`: see features.before_last_block."""
    shape = {"inputs": x.shape[1], "hidden": config.hidden, "dropout": config.dropout}
    own, count = {"size": backbone.size, "looks": backbone.looks}, min(len(kept) for kept, _ in split)
    frozen, model = head.build(config, shape, len(names), count, len(x)), fine_tuned(len(names), **own, **shape)
    untrained, published = frozen.get_weights(), lite0.in_keras().get_weights()[efficientnet.BEHIND]
    steps = math.ceil(count / BATCH)
    optimizer = keras.optimizers.Adam(loop.learning_rate("one_cycle", RATE, steps * EPOCHS))
    head.regularize(model.get_layer("head"), config.weight_decay, count)
    model.compile(
        optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], weighted_metrics=[], jit_compile=False
    )
    features = keras.Model(model.input, model.get_layer("features").output)  # what the head gets

    def train(rows: np.ndarray, validation: tuple | None = None) -> dict:
        head.train(config, frozen, untrained, x[rows], y[rows])
        model.get_layer("tail").set_weights(published)
        model.get_layer("head").set_weights(frozen.get_weights())
        head.forget(optimizer)
        weights = head.weights_of(y[rows], config.class_weights)

        def make(epoch: int, step: int) -> tuple:
            chosen, _ = datasets.draw(config.seed, epoch, step, len(rows), BATCH)
            return trunk[rows[chosen]].astype(np.float32), y[rows[chosen]], weights[chosen]

        return model.fit(
            loop.batches(make, steps, 0, EPOCHS),
            steps_per_epoch=steps,
            epochs=EPOCHS,
            validation_data=validation,
            shuffle=False,  # `make` has done that
            verbose=0,
        ).history

    def unit() -> np.ndarray:
        return head.unit_roots(features.predict(trunk, batch_size=BATCH, verbose=0))

    known, right = y < len(known_classes(names)), 0
    learned = head.Learned(np.zeros((len(x), len(names)), np.float32), np.zeros(len(x), np.float32))
    for kept, held_back in watched(split, len(split), "fold"):
        learned.curves.append(train(kept, (trunk[held_back], y[held_back])))
        right += (frozen.predict(x[held_back], verbose=0).argmax(1) == y[held_back]).sum()
        learned.take(held_back, model.predict(trunk[held_back], batch_size=BATCH, verbose=0), y[held_back], len(split))
        seen = unit()
        near = seen[held_back] @ seen[kept[head.references_of(known[kept])]].T
        learned.near[held_back] = near.max(1, initial=0)  # nothing is near where no image of a class is left
    learned.frozen = float(right) / sum(len(held_back) for _, held_back in split)
    if len(split) > 1:
        train(np.arange(len(x)))
    top, shape = head.with_references(model.get_layer("head"), shape, unit()[head.references_of(known)])
    learned.model, learned.shape = fine_tuned(len(names), **own, **shape), own | shape
    learned.model.get_layer("tail").set_weights(model.get_layer("tail").get_weights())
    learned.model.get_layer("head").set_weights(top.get_weights())
    return learned
