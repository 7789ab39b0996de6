"""YuNet's network in Keras. Only conversion imports this module: it costs seconds.

The network: W. Wu, H. Peng, S. Yu, "YuNet: a tiny millisecond-level face detector" (2023). 53,000 numbers: units of a
1x1 convolution and a 3x3 one of each channel, a pyramid of three levels, and on each of them four heads, here in one.
"""

from recognition.networks.backend import keras, layers

BACKBONE = ((16, 32), (32, 64), (64, 64), (64, 64), (64, 64))  # filters of two units a block; all but two are pooled
HEADS = 16  # numbers of each place: a face, sure of its box, 4 of the box, 10 of the landmarks


def network() -> tuple[keras.Model, list[keras.Layer]]:
    """Return the untrained network, and its convolutions in the order in which numbers are to be filled in.

    It maps frames BGR 0-255, (1, H, W, 3), sides multiples of 32, to maps (1, h, w, 16) of the strides 8, 16 and 32.
    """
    convolutions: list[keras.Layer] = []

    def convolved(layer: keras.Layer, x):
        convolutions.append(layer)
        return layer(x)

    def unit(x, filters: int, activated: bool = True):
        x = convolved(layers.Conv2D(filters, 1), x)
        x = convolved(layers.DepthwiseConv2D(3, padding="same"), x)
        return layers.ReLU()(x) if activated else x

    inputs = keras.Input((None, None, 3), name="frame")
    # Keras would pad an even side at its end only
    x = layers.ReLU()(convolved(layers.Conv2D(16, 3, 2), layers.ZeroPadding2D(1)(inputs)))
    x = unit(x, 16)
    levels = []
    for block, filters in enumerate(BACKBONE):
        x = x if block == 1 else layers.MaxPooling2D()(x)
        for count in filters:
            x = unit(x, count)
        levels.append(x)
    near, middle, far = levels[2:]
    far = unit(far, 64)
    middle = unit(layers.Add()([middle, layers.UpSampling2D()(far)]), 64)
    near = unit(layers.Add()([near, layers.UpSampling2D()(middle)]), 64)
    outputs = [unit(level, HEADS, activated=False) for level in (near, middle, far)]
    return keras.Model(inputs, outputs, name="yunet_2026may"), convolutions
