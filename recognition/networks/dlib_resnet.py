"""dlib's face descriptor as a Keras network. Only training and conversion import this module: it costs seconds.

The network: D. King, dlib's dnn_face_recognition_ex.cpp, 29 layers with weights; after K. He et al., "Deep residual
learning for image recognition" (2015), with half as many filters.
"""

import numpy as np

from recognition.networks.backend import keras, layers

FILTERS = (32, 32, 32, 64, 64, 64, 64, 128, 128, 128, 256, 256, 256)  # of the residual blocks, all but the last
FEW = 4  # pixels a side, from which on fetching the weights takes longer than multiplying by them


def network() -> keras.Model:
    """Return the untrained network: images RGB 0-255, (N, 150, 150, 3), to embeddings (N, 128)."""
    inputs = keras.Input((150, 150, 3), name="image_rgb")
    x = layers.Conv2D(32, 7, strides=2, activation="relu")(inputs)
    x = layers.MaxPooling2D(3, strides=2)(x)
    for filters in FILTERS:
        halved = filters > x.shape[-1]
        y = layers.Conv2D(filters, 3, 2, activation="relu")(x) if halved else _convolution(x, filters, "relu")
        x = _add(layers.AveragePooling2D(2)(x) if halved else x, _convolution(y, filters))
    # 4x4 pixels become one, for which the border of the second convolution is nothing but zeros
    y = layers.Flatten()(layers.Cropping2D(((0, 1), (0, 1)))(x))
    y = layers.Dense(256)(layers.Dense(256, activation="relu")(y))
    x = _add(layers.AveragePooling2D(2)(x), layers.Reshape((1, 1, 256))(y))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(128, use_bias=False, name="embedding")(x), name="dlib_resnet_v1")


def _convolution(x, filters: int, activation: str | None = None):
    """Convolve 3x3 pixels; where there are few, as one matrix times those of all images, so that a batch is faster."""
    size = x.shape[1]
    if size > FEW:
        return layers.Conv2D(filters, 3, padding="same", activation=activation)(x)
    channels = x.shape[-1]
    x = keras.ops.pad(layers.Reshape((size * size, channels))(x), ((0, 0), (0, 1), (0, 0)))  # the last one: no pixel
    number = np.pad(np.arange(size * size).reshape(size, size), 1, constant_values=size * size)
    neighbours = np.lib.stride_tricks.sliding_window_view(number, (3, 3)).ravel()
    x = layers.Reshape((size, size, 9 * channels))(keras.ops.take(x, neighbours, axis=1))
    return layers.Conv2D(filters, 1, activation=activation)(x)


def _add(x, y):
    """Add what a block found to what it was given; dlib takes zeros for channels and pixels that one does not have."""
    if y.shape[-1] > x.shape[-1]:
        x = keras.ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, y.shape[-1] - x.shape[-1])))
    if x.shape[1] > y.shape[1]:
        y = layers.ZeroPadding2D(((0, 1), (0, 1)))(y)
    return layers.Activation("relu")(layers.Add()([x, y]))
