"""EfficientNet-Lite0 in Keras: a network of a thousand kinds of things. Only conversion imports this module.

M. Tan, Q. Le, "EfficientNet: rethinking model scaling for convolutional neural networks" (2019), in the form of
Google's "EfficientNet-Lite" (2020): without squeeze-and-excitation, and with ReLU6. Batch normalisations are part of
the layers before them here: the same result in half the layers.
"""

from recognition.networks.backend import keras, layers

KINDS = 1000
STEM, LAST = 32, 1280  # filters of the first and of the last convolution
# Of the blocks between: window and stride of the convolution of each channel, how many times more channels it has than
# come in, and how many go out
BLOCKS = (
    (3, 1, 1, 16), (3, 2, 6, 24), (3, 1, 6, 24), (5, 2, 6, 40), (5, 1, 6, 40), (3, 2, 6, 80), *2 * ((3, 1, 6, 80),),
    *3 * ((5, 1, 6, 112),), (5, 2, 6, 192), *3 * ((5, 1, 6, 192),), (3, 1, 6, 320),
)  # fmt: skip


def network(size: int) -> keras.Model:
    """Return the untrained network: images RGB 0-255, (N, size, size, 3), to 1,000 probabilities.

    It was trained on 224 pixels a side and, all convolutions, takes any. Its layer "features" has 1,280 numbers of an
    image, 0 to 6.
    """
    inputs = keras.Input((size, size, 3), name="image")
    x = layers.Rescaling(1 / 128, offset=-127 / 128)(inputs)
    x = layers.ReLU(6)(layers.Conv2D(STEM, 3, strides=2, padding="same")(x))
    channels = STEM
    for window, stride, times, filters in BLOCKS:
        before = x
        if times > 1:
            x = layers.ReLU(6)(layers.Conv2D(times * channels, 1)(x))
        x = layers.ReLU(6)(layers.DepthwiseConv2D(window, stride, padding="same")(x))
        x = layers.Conv2D(filters, 1)(x)
        if stride == 1 and filters == channels:
            x = layers.Add()([x, before])
        channels = filters
    x = layers.ReLU(6)(layers.Conv2D(LAST, 1)(x))
    x = layers.GlobalAveragePooling2D(name="features")(x)
    x = layers.Dense(KINDS, activation="softmax", name="probabilities")(x)
    return keras.Model(inputs, x, name="efficientnet_lite0")
