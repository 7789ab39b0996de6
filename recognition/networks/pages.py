"""The network that finds and reads the digits of whole pages, in Keras: a page in, maps of digits and boxes out.

It looks at every place of a page the way CenterNet does (X. Zhou et al., "Objects as points", 2019): a heat map for
each kind of character, which is 1 at the centres of such characters, and beside it the size of the box, where in its
cell of 4x4 pixels the centre is, and whether the character is printed. Its body is an hourglass down to 1/32, so that
it sees some 200 pixels around: an l among letters is no 1, and the corner of a box no 7.
"""

from recognition.networks.backend import FusedBatchNormalization, keras, layers, tf

STRIDE = 4  # pixels a cell of the maps
MULTIPLE = 32  # of pixels that height and width of a page have to be
BOX = 4  # maps beside the heat maps: log of width and height in 16 pixels, x and y of the centre in its cell
WIDTHS = (16, 32, 80, 128, 160)  # filters at 1/2, 1/4, 1/8, 1/16 and 1/32


class DepthToSpace(layers.Layer):
    """Twice the height and width for a quarter of the channels; a layer of Keras's own has a slow gradient."""

    def call(self, inputs):
        return tf.nn.depth_to_space(inputs, 2)

    def compute_output_shape(self, shape):
        n, height, width, channels = shape
        return n, height and 2 * height, width and 2 * width, channels // 4


def _convolution(x, filters: int, stride: int = 1, size: int = 3, activate: bool = True):
    x = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
    x = FusedBatchNormalization(momentum=0.97)(x)
    return layers.Activation("relu")(x) if activate else x


def _residual(x, filters: int):
    """Two convolutions beside a shortcut (K. He et al., "Deep residual learning for image recognition", 2015)."""
    y = _convolution(_convolution(x, filters), filters, activate=False)
    return layers.Activation("relu")(layers.Add()([x, y]))


def _up(x, beside, filters: int):
    """Return x at twice its size, joined with what was found at that size on the way down."""
    x = DepthToSpace()(_convolution(x, 4 * filters, size=1))
    return _residual(_convolution(layers.Add()([x, beside]), filters), filters)


def pages(classes: int, widths: tuple[int, ...] = WIDTHS) -> keras.Model:
    """Return the network of pages: (H, W, 1) in, both multiples of 32; (H/4, W/4, classes + 5) out.

    In go pixels as digits.detection.normalise makes them with OpenCV, ten times as fast as layers could. Out come the
    heat maps, 0-1, one a class; then BOX numbers; then printed, 0-1.
    """
    inputs = keras.Input((None, None, 1), name="image")
    x = _convolution(inputs, widths[0], 2)
    fourth = _convolution(x, widths[1], 2)
    eighth = _residual(_convolution(fourth, widths[2], 2), widths[2])
    x = _residual(_convolution(eighth, widths[3], 2), widths[3])
    sixteenth = _residual(x, widths[3])
    x = _residual(_convolution(sixteenth, widths[4], 2), widths[4])
    x = _up(x, sixteenth, widths[3])
    x = _up(x, eighth, widths[2])
    x = _up(x, fourth, widths[1])
    heat = layers.Conv2D(
        classes, 1, activation="sigmoid", dtype="float32", bias_initializer=keras.initializers.Constant(-4.0)
    )(x)
    box = layers.Conv2D(BOX, 1, dtype="float32")(x)
    printed = layers.Conv2D(1, 1, activation="sigmoid", dtype="float32")(x)
    maps = layers.Concatenate(dtype="float32", name="probabilities")([heat, box, printed])
    return keras.Model(inputs, maps, name="pages")


def loss(classes: int):
    """Return the loss of `pages`: (targets, maps) -> a number.

    Targets, float (N, H/4, W/4, classes + 7): as the network's maps, of which all but the heat maps count at the
    centres of characters only; then where the heat maps count, 0 or 1; then 1 at those centres. The loss of the heat
    maps is CenterNet's focal loss, that of the boxes the absolute difference.
    """

    def page_loss(targets, maps):
        heat, counts, marked = targets[..., :classes], targets[..., -2:-1], targets[..., -1] > 0
        found = tf.clip_by_value(maps[..., :classes], 1e-5, 1 - 1e-5)
        weights = tf.constant([1.0] * 10 + [0.6] * (classes - 11) + [0.3])  # digits, signs, other characters
        wrong = -tf.math.log(1 - found) * found**2 * (tf.square(tf.square(1 - heat)) * counts * weights)
        targets, maps = tf.boolean_mask(targets, marked), tf.boolean_mask(maps, marked)  # only the centres
        heat, box, printed, _ = tf.split(targets, [classes, BOX, 1, 2], -1)
        found, found_box, found_printed = tf.split(maps, [classes, BOX, 1], -1)
        found, found_printed = (tf.clip_by_value(part, 1e-5, 1 - 1e-5) for part in (found, found_printed))
        centre = tf.cast(heat > 0.999, tf.float32)
        right = -tf.math.log(found) * (1 - found) ** 2 * centre * weights
        entropy = -printed * tf.math.log(found_printed) - (1 - printed) * tf.math.log(1 - found_printed)
        terms = (
            tf.reduce_sum(wrong) + tf.reduce_sum(right),
            0.5 * tf.reduce_sum(tf.abs(box - found_box)),
            0.2 * tf.reduce_sum(entropy),
        )
        return sum(terms) / tf.maximum(tf.reduce_sum(centre), 1.0)

    return page_loss
