"""EfficientNet-Lite0 in Keras: a network of a thousand kinds of things. Only conversion and training import it.

M. Tan, Q. Le, "EfficientNet: rethinking model scaling for convolutional neural networks" (2019), in the form of
Google's "EfficientNet-Lite" (2020): without squeeze-and-excitation, and with ReLU6. Batch normalisations are part of
the layers before them here: the same result in half the layers.
"""

from recognition.networks.backend import keras, layers

KINDS = 1000
TRUNK = "trunk"  # the layer before the last block
STEM, LAST = 32, 1280  # filters of the first and of the last convolution
# Of the blocks between: window and stride of the convolution of each channel, how many times more channels it has than
# come in, and how many go out
BLOCKS = (
    (3, 1, 1, 16), (3, 2, 6, 24), (3, 1, 6, 24), (5, 2, 6, 40), (5, 1, 6, 40), (3, 2, 6, 80), *2 * ((3, 1, 6, 80),),
    *3 * ((5, 1, 6, 112),), (5, 2, 6, 192), *3 * ((5, 1, 6, 192),), (3, 1, 6, 320),
)  # fmt: skip

BEHIND = slice(-10, -2)  # of the arrays of `network`: those of `tail`


def network(size: int) -> keras.Model:
    """Return the untrained network: images RGB 0-255, (N, size, size, 3), to 1,000 probabilities.

    It was trained on 224 pixels a side and, all convolutions, takes any. Its layer "features" has 1,280 numbers of an
    image, 0 to 6; "trunk" is what `tail` makes them of.
    """
    inputs = keras.Input((size, size, 3), name="image")
    x = layers.Rescaling(1 / 128, offset=-127 / 128)(inputs)
    x = layers.ReLU(6)(layers.Conv2D(STEM, 3, strides=2, padding="same")(x))
    for block in BLOCKS[:-1]:
        x = _block(x, *block)
    x = _ending(layers.Identity(name=TRUNK)(x))
    x = layers.Dense(KINDS, activation="softmax", name="probabilities")(x)
    return keras.Model(inputs, x, name="efficientnet_lite0")


def tail(size: int) -> keras.Model:
    """Return the end of the network alone: what "trunk" says of an image of so many pixels to its "features".

    In: (N, size / 32, size / 32, 192), out: (N, 1280). Raises ValueError for a size that no image has here.
    """
    if size not in range(32, 513, 32):  # a card may say anything
        raise ValueError(f"size {size}")
    inputs = keras.Input((size // 32, size // 32, BLOCKS[-2][-1]), name=TRUNK)
    return keras.Model(inputs, _ending(inputs), name="tail")


def _block(x, window: int, stride: int, times: int, filters: int):
    before, channels = x, x.shape[-1]
    if times > 1:
        x = layers.ReLU(6)(layers.Conv2D(times * channels, 1)(x))
    x = layers.ReLU(6)(layers.DepthwiseConv2D(window, stride, padding="same")(x))
    x = layers.Conv2D(filters, 1)(x)
    return layers.Add()([x, before]) if stride == 1 and filters == channels else x


def _ending(x):
    x = layers.ReLU(6)(layers.Conv2D(LAST, 1)(_block(x, *BLOCKS[-1])))
    return layers.GlobalAveragePooling2D(name="features")(x)
