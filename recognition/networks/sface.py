"""SFace's network in Keras. Only conversion imports this module: it costs seconds.

The network: Y. Zhong, W. Deng and others, "SFace: sigmoid-constrained hypersphere loss for robust face recognition"
(2021); its layers are those of A. Howard and others, "MobileNets" (2017), at four times the pixels before the last.
"""

from recognition.networks.backend import keras, layers

SIZE = 112  # pixels a side
FIRST = 32  # filters of the first convolution
# Of the blocks after it: stride of the 3x3 convolution of each channel, and filters of the 1x1 convolution behind it
BLOCKS = ((1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), *5 * ((1, 512),), (2, 1024), (1, 1024))


def network() -> keras.Model:
    """Return the untrained network: images RGB 0-255, (N, 112, 112, 3), to descriptions (N, 128), of any length."""
    inputs = keras.Input((SIZE, SIZE, 3), name="image_rgb")
    x = layers.Rescaling(1 / 128, offset=-127.5 / 128)(inputs)
    x = _activated(layers.Conv2D(FIRST, 3, padding="same")(x))
    for stride, filters in BLOCKS:
        # Keras would pad an even side at its end only
        x = layers.ZeroPadding2D(1)(x) if stride > 1 else x
        x = _activated(layers.DepthwiseConv2D(3, stride, padding="valid" if stride > 1 else "same")(x))
        x = _activated(layers.Conv2D(filters, 1)(x))
    return keras.Model(inputs, layers.Dense(128, name="embedding")(layers.Flatten()(x)), name="sface_2021dec")


def _activated(x):
    return layers.PReLU(shared_axes=[1, 2])(x)
