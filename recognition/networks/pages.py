"""The network that finds and reads the digits of whole pages, in Keras: gray pixels in, maps of digits and boxes out.

It looks at every place of a page the way CenterNet does (X. Zhou et al., "Objects as points", 2019): a heat map for
each kind of character, which is 1 at the centres of such characters, and beside it the size of the box, where in its
cell of 4x4 pixels the centre is, whether the character is printed, and which way is up. Its body is an hourglass down
to 1/32, so that it sees some 200 pixels around: an l among letters is no 1, and the corner of a box no 7.
"""

from recognition.networks.backend import FusedBatchNormalization, keras, layers, tf

STRIDE = 4  # pixels a cell of the maps
MULTIPLE = 32  # of pixels that height and width of a page have to be
BOX = 4  # maps beside the heat maps: log of width and height in 16 pixels, x and y of the centre in its cell;
# then printed, then four for the quarter turns that would bring the writing upright
WIDTHS = (16, 32, 64, 96, 160)  # filters at 1/2, 1/4, 1/8, 1/16 and 1/32


class LocalNormalization(layers.Layer):
    """Pixels 0-255 less the mean around them, over the spread around them: shadows and pale ink look like all else."""

    def __init__(self, cell: int = 8, window: int = 7, **options):
        """`window` cells of `cell` pixels a side are around."""
        super().__init__(dtype="float32", trainable=False, **options)
        self._cell, self._window = cell, window

    def call(self, images):
        x = images / 255.0
        both = tf.concat([x, x * x], -1)
        coarse = tf.nn.avg_pool2d(tf.nn.avg_pool2d(both, self._cell, self._cell, "SAME"), self._window, 1, "SAME")
        around = [tf.tile(coarse[..., k : k + 1], [1, 1, 1, self._cell**2]) for k in range(2)]
        mean, square = (
            tf.nn.avg_pool2d(tf.nn.depth_to_space(part, self._cell), self._cell + 1, 1, "SAME") for part in around
        )
        spread = tf.sqrt(tf.maximum(square - mean * mean, 0.0))
        return tf.clip_by_value((x - mean) / (spread + 0.02), -4.0, 4.0)

    def compute_output_shape(self, shape):
        return shape


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
    return _convolution(layers.Add()([x, beside]), filters)


def pages(classes: int, widths: tuple[int, ...] = WIDTHS) -> keras.Model:
    """Return the network of pages: (H, W, 1) in, both multiples of 32; (H/4, W/4, classes + 9) out.

    First the heat maps, 0-1, one a class; then BOX numbers; then printed, 0-1; then four for the way up, sum 1.
    """
    inputs = keras.Input((None, None, 1), name="image")
    x = LocalNormalization()(inputs)
    x = _convolution(x, widths[0], 2)
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
    turn = layers.Conv2D(4, 1, activation="softmax", dtype="float32")(x)
    maps = layers.Concatenate(dtype="float32", name="probabilities")([heat, box, printed, turn])
    return keras.Model(inputs, maps, name="pages")


def loss(classes: int):
    """Return the loss of `pages`: (targets, maps) -> a number.

    Targets, float (N, H/4, W/4, classes + 12): heat maps; then as the network's maps; then where the heat maps, the
    boxes and the way up count, 0 or 1. The heat maps' is CenterNet's focal loss, the boxes' the absolute difference.
    """

    def page_loss(targets, maps):
        heat, box, printed, turn, counts, boxed, turned = tf.split(targets, [classes, BOX, 1, 4, 1, 1, 1], -1)
        found, found_box, found_printed, found_turn = tf.split(maps, [classes, BOX, 1, 4], -1)
        found, found_printed, found_turn = (
            tf.clip_by_value(part, 1e-5, 1 - 1e-5) for part in (found, found_printed, found_turn)
        )
        centre = tf.cast(heat > 0.999, tf.float32)
        right = -tf.math.log(found) * (1 - found) ** 2 * centre
        wrong = -tf.math.log(1 - found) * found**2 * (1 - heat) ** 4 * (1 - centre) * counts
        weights = tf.constant([1.0] * 10 + [0.6] * (classes - 11) + [0.3])  # digits, signs, other characters
        number = tf.maximum(tf.reduce_sum(centre), 1.0)
        entropy = -printed * tf.math.log(found_printed) - (1 - printed) * tf.math.log(1 - found_printed)
        terms = (
            tf.reduce_sum((right + wrong) * weights),
            0.5 * tf.reduce_sum(tf.abs(box - found_box) * boxed),
            0.2 * tf.reduce_sum(entropy * boxed),
            0.2 * tf.reduce_sum(-turn * tf.math.log(found_turn) * turned),
        )
        return sum(terms) / number

    return page_loss
