"""dlib's face descriptor as a Keras network. Only training and export import this module: it costs seconds.

The network: D. King, dlib's dnn_face_recognition_ex.cpp, 29 layers with weights, after K. He et al., "Deep residual
learning for image recognition" (2015), with half as many filters.
"""

import numpy as np

from recognition import networks
from recognition.dlib_weights import Layer
from recognition.networks import keras, layers

MEAN_RGB = (122.782, 117.001, 104.298)  # taken off each channel, before it is divided by 256
BLOCKS = (32, 32, 32, 64, 64, 64, 64, 128, 128, 128, 256, 256, 256, 256)  # filters; a last one of 256 halves the size


def network() -> keras.Model:
    """Return the untrained network: images RGB 0-255, (N, 150, 150, 3), to embeddings (N, 128)."""
    inputs = keras.Input((150, 150, 3), name="image_rgb")
    x = layers.Rescaling(1 / 256, [-mean / 256 for mean in MEAN_RGB])(inputs)
    x = layers.Conv2D(32, 7, strides=2, activation="relu")(x)
    x = layers.MaxPooling2D(3, strides=2)(x)
    for k, filters in enumerate(BLOCKS):
        x = _residual(x, filters, halved=filters != x.shape[-1] or k == len(BLOCKS) - 1)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(128, use_bias=False, name="embedding")(x), name="dlib_resnet_v1")


def _residual(x, filters: int, halved: bool):
    """Add two convolutions' outcome to what they came from; where shapes differ, dlib takes zeros for what lacks."""
    y = layers.Conv2D(filters, 3, 2 if halved else 1, "valid" if halved else "same", activation="relu")(x)
    y = layers.Conv2D(filters, 3, padding="same")(y)
    if halved:
        x = layers.AveragePooling2D(2)(x)
        if filters > x.shape[-1]:
            x = keras.ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, filters - x.shape[-1])))
        if x.shape[1] > y.shape[1]:
            y = layers.ZeroPadding2D(((0, 1), (0, 1)))(y)
    return layers.Activation("relu")(layers.Add()([x, y]))


def trained(found: list[Layer]) -> keras.Model:
    """Return the network with the numbers of dlib's file; raises ValueError where they are another network's."""
    model = network()
    convolutions = [layer.weights for layer in found if layer.kind == "con_4"]
    scales = [layer.weights for layer in found if layer.kind == "affine_"]
    numbers = []
    for (kernel, bias), (factor, shift) in zip(convolutions, scales, strict=True):
        # The scale of the channels that follows is part of the convolution here: the same result in half the layers
        numbers += [(kernel * factor.reshape(-1, 1, 1, 1)).transpose(2, 3, 1, 0), (bias * factor + shift).ravel()]
    model.set_weights([*numbers, *(matrix for layer in found if layer.kind == "fc_2" for matrix in layer.weights)])
    return model
