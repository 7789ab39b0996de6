"""The networks that tell people apart, in Keras: aligned faces, pixels 0-255, in, a cosine for each person out."""

import math

import numpy as np

from recognition.networks import dlib_resnet
from recognition.networks.backend import keras, layers

RADII, CELL = (1, 3), 8  # of local patterns, in pixels
ALIKE = 0.84  # mean cosine of the descriptors of two strangers of LFW


class Cosines(layers.Layer):
    """The cosine between each feature vector, (N, D), and each class's direction: (N, classes), -1 to 1."""

    def __init__(self, classes: int, **settings):
        super().__init__(**settings)
        self.classes = classes

    def build(self, input_shape):
        self.directions = self.add_weight(
            shape=(input_shape[-1], self.classes), initializer="glorot_normal", name="directions"
        )

    def call(self, inputs):
        features = keras.ops.normalize(keras.ops.cast(inputs, "float32"), axis=-1)
        directions = keras.ops.normalize(keras.ops.cast(self.directions, "float32"), axis=0)
        return keras.ops.matmul(features, directions)


class LocalPatterns(layers.Layer):
    """How often each local pattern is to be seen in each part of gray images: (N, H, W, 1), 0-255, to (N, features).

    A pixel's pattern says which of eight pixels around it, at each distance of RADII, are brighter than it. Counted are
    the 58 patterns of one bright and one dark arc, and all others as one, in cells of CELL pixels: T. Ahonen et al.,
    "Face description with local binary patterns" (2006), written as two convolutions with numbers that nobody trains.
    Light and contrast change no pattern; and what is not trained need not be learnt from five photos.
    """

    def call(self, images):
        counts = []
        for radius in RADII:
            brighter = keras.ops.conv(keras.ops.cast(images, "float32"), _differences(radius), padding="same") > 0.01
            signs = 2 * keras.ops.cast(brighter, "float32") - 1
            equal = keras.ops.relu(keras.ops.conv(signs, _arcs()) / 2 - 3)  # 8 of 8 signs are 1, 7 are 0
            patterns = keras.ops.concatenate([equal, 1 - keras.ops.sum(equal, -1, keepdims=True)], -1)
            counts.append(keras.ops.average_pool(patterns, CELL, CELL))
        # The square root, as common patterns would outweigh all others
        shares = keras.ops.sqrt(keras.ops.concatenate(counts, -1))
        return keras.ops.reshape(shares, (-1, math.prod(shares.shape[1:])))


def _differences(radius: int) -> np.ndarray:
    """Return filters, (2 radius + 1, 2 radius + 1, 1, 8), that take a pixel from each of eight around it."""
    filters = np.zeros((2 * radius + 1, 2 * radius + 1, 1, 8), np.float32)
    for k in range(8):
        x, y = radius + radius * np.cos(k * np.pi / 4), radius + radius * np.sin(k * np.pi / 4)
        for row in range(2 * radius + 1):  # between pixels, bilinear
            for column in range(2 * radius + 1):
                filters[row, column, 0, k] = max(0, 1 - abs(x - column)) * max(0, 1 - abs(y - row))
        filters[radius, radius, 0, k] -= 1
    return filters


def _arcs() -> np.ndarray:
    """Return the patterns of one arc, each a filter of signs: (1, 1, 8, 58)."""
    patterns = [[(code >> k) % 2 * 2 - 1 for k in range(8)] for code in range(256)]
    arcs = [signs for signs in patterns if sum(signs[k] != signs[k - 1] for k in range(8)) <= 2]
    return np.array(arcs, np.float32).T[None, None]


def faces(classes: int) -> keras.Model:
    """Return the face network: 96x96x1 in, local patterns, 128 features that are trained, `classes` cosines out."""
    inputs = keras.Input((96, 96, 1), name="image")
    x = LocalPatterns(dtype="float32", name="patterns")(inputs)
    # What all faces have in common is taken away: only what differs tells people apart
    x = layers.BatchNormalization(momentum=0.9, center=False, scale=False)(x)
    x = layers.Dropout(0.5)(x)
    x = layers.Dense(128, use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9, name="features")(x)
    return keras.Model(inputs, Cosines(classes, dtype="float32", name="cosines")(x), name="faces")


def embedding(classes: int) -> keras.Model:
    """Return dlib's face descriptor with a direction for each person: 150x150 RGB in, likenesses out, 1 for the same.

    Its numbers are untrained: see dlib_resnet. The likeness is 0 where faces are as alike as those of strangers.
    """
    body = dlib_resnet.network()
    x = Cosines(classes, dtype="float32", name="cosines")(body.output)
    x = layers.Rescaling(1 / (1 - ALIKE), -ALIKE / (1 - ALIKE), dtype="float32", name="likeness")(x)
    return keras.Model(body.input, x, name="embedding")
