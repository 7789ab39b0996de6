"""The networks for objects, in Keras: five steps from one dense layer to a residual network of 95 %.

All take RGB pixels 0-255, (N, 32, 32, 3), and end in a softmax. Each step adds one idea to the step before.
"""

import numpy as np

from recognition.networks import efficientnet
from recognition.networks.backend import FusedBatchNormalization, keras, layers

SIDE = 32  # pixels of CIFAR-10's images
SMALLEST = 1e-4  # feature that `fine_tuned` knows
MEAN, VARIANCE = (125.3, 123.0, 113.9), (63.0**2, 62.1**2, 66.7**2)  # of CIFAR-10's training pixels: red, green, blue


def _scaled() -> tuple[keras.KerasTensor, keras.KerasTensor]:
    inputs = keras.Input((SIDE, SIDE, 3), name="image")
    return inputs, layers.Rescaling(1 / 127.5, offset=-1)(inputs)


def _model(inputs, x, classes: int, name: str) -> keras.Model:
    x = layers.Dense(classes)(x)
    return keras.Model(inputs, layers.Activation("softmax", dtype="float32", name="probabilities")(x), name=name)


def dense(classes: int) -> keras.Model:
    """Return a network that sees an image as 3,072 numbers: one hidden layer of 512, no notion of neighbours."""
    inputs, x = _scaled()
    x = layers.Flatten()(x)
    x = layers.Dense(512, activation="relu")(x)
    return _model(inputs, x, classes, "dense")


def conv(classes: int) -> keras.Model:
    """Return a network of 3x3 windows: what is learned in one place is known everywhere; strides make it smaller."""
    inputs, x = _scaled()
    for filters in (32, 64, 64):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Flatten()(x)
    return _model(inputs, x, classes, "conv")


def conv_pool(classes: int) -> keras.Model:
    """Return the same windows at full resolution, then the strongest answer of each 2x2: small shifts do not matter."""
    inputs, x = _scaled()
    for filters in (32, 64, 64):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    return _model(inputs, x, classes, "conv_pool")


def cnn(classes: int) -> keras.Model:
    """Return the network of the Keras CIFAR-10 example of 2015: two blocks of two convolutions, and dropout."""
    inputs, x = _scaled()
    for filters in (32, 64):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.Conv2D(filters, 3, activation="relu")(x)
        x = layers.MaxPooling2D()(x)
        x = layers.Dropout(0.25)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(512, activation="relu")(x)
    x = layers.Dropout(0.5)(x)
    return _model(inputs, x, classes, "cnn")


class Dirac(keras.initializers.Initializer):
    """A convolution that at first hands its inputs through, as far as there are filters; length 1.

    S. Zagoruyko, N. Komodakis, "DiracNets: training very deep neural networks without skip-connections" (2017).
    """

    def __call__(self, shape, dtype=None):
        height, width, channels, filters = shape
        kernel = keras.random.uniform(shape, -1, 1) / (height * width * channels) ** 0.5
        through = min(channels, filters)
        passing = np.zeros(shape, np.float32)
        passing[height // 2, width // 2, range(through), range(through)] = 1
        kernel = np.where(np.arange(filters) < through, passing, kernel)
        return kernel / np.linalg.norm(kernel)


def _convolved(x, filters: int):
    length_one = keras.constraints.UnitNorm(axis=(0, 1, 2, 3))
    return layers.Conv2D(
        filters, 3, padding="same", use_bias=False, kernel_initializer=Dirac(), kernel_constraint=length_one
    )(x)


def _normalised(x):
    # Answers of kernels of length 1 vary little: Keras's epsilon, 0.001, would be as large as their variance
    return FusedBatchNormalization(momentum=0.6, epsilon=1e-5, scale=False)(x)


def fast(classes: int, widths: tuple[int, ...] = (64, 256, 256)) -> keras.Model:
    """Return the default: whitened 2x2 patches, then three residual blocks of three 3x3 convolutions.

    After K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU" (2024). Kernels keep length 1, for normalisation
    undoes any other; so a step of training turns them by an angle. `whiten` has to be called before training.
    """
    inputs = keras.Input((SIDE, SIDE, 3), name="image")
    x = layers.Normalization(mean=MEAN, variance=VARIANCE)(inputs)
    whitening = layers.Conv2D(24, 2, activation="silu", name="whitening")
    x = whitening(x)
    whitening.kernel.trainable = False  # its biases learn
    for filters in widths:
        x = _normalised(layers.MaxPooling2D()(_convolved(x, filters)))
        x = shortcut = layers.Activation("silu")(x)
        x = layers.Activation("silu")(_normalised(_convolved(x, filters)))
        x = layers.Add()([_normalised(_convolved(x, filters)), shortcut])
        x = layers.Activation("silu")(x)
    x = layers.GlobalMaxPooling2D(name="features")(x)
    x = layers.Dense(classes, use_bias=False)(x)
    x = layers.Rescaling(0.25)(x)  # else the first steps are too sure
    return keras.Model(inputs, layers.Activation("softmax", dtype="float32", name="probabilities")(x), name="fast")


def whiten(model: keras.Model, images: np.ndarray) -> None:
    """Set the first layer of `fast`: patches of images, uint8 (N, 32, 32, 3), come out of it uncorrelated."""
    scaled = (images.astype(np.float32) - MEAN) / np.sqrt(VARIANCE)
    patches = np.lib.stride_tricks.sliding_window_view(scaled, (2, 2), axis=(1, 2))
    patches = patches.transpose(0, 1, 2, 4, 5, 3).reshape(-1, 12)
    values, vectors = np.linalg.eigh(patches.T @ patches / len(patches))
    kernel = (vectors / np.sqrt(values + 5e-4)).reshape(2, 2, 3, 12)
    model.get_layer("whitening").set_weights([np.concatenate([kernel, -kernel], -1), np.zeros(24)])


def head(classes: int, inputs: int, hidden: int, dropout: float, references: int = 0) -> keras.Model:
    """Return what is trained on the features of another network: `inputs` numbers in, `hidden` units or none.

    Their roots, for most are small and few large: S. Yang et al., "Free lunch for few-shot learning" (2021). With
    `references`, of so many images, it tells besides the probabilities how "near" the nearest of them is, (N, 1).
    """
    features = keras.Input((inputs,), name="features")
    x = roots = keras.ops.sqrt(keras.ops.relu(features))
    # Keeps the mean and variance that the roots had in training; as a layer, no script can forget it
    x = layers.BatchNormalization(center=False, scale=False, epsilon=1e-6, trainable=False, name="standardised")(x)
    if hidden:
        x = layers.Dropout(dropout)(layers.Dense(hidden, activation="relu", name="hidden")(x))
    # From zero, a linear head has one best answer, whatever the seed
    x = layers.Dense(classes, kernel_initializer="glorot_uniform" if hidden else "zeros", name="logits")(x)
    outputs = layers.Activation("softmax", dtype="float32", name="probabilities")(x)
    if references:  # the cosine of the angle between the roots
        length = keras.ops.norm(roots, axis=-1, keepdims=True)
        direction = roots / keras.ops.maximum(length, 1e-6)  # nothing at all has none, and is near to nothing
        cosines = layers.Dense(references, use_bias=False, name="references")(direction)
        outputs = {"probabilities": outputs, "near": keras.ops.max(cosines, axis=-1, keepdims=True)}
    return keras.Model(features, outputs, name="head")


def fine_tuned(classes: int, size: int, looks: int, **shape) -> keras.Model:
    """Return the end of EfficientNet-Lite0 under a head, to be trained together; `shape`: of the head, see `head`.

    In: what "trunk" says of so many looks at an image, `size` pixels a side, and of their mirror images, float32
    (N, 2 * looks, size / 32, size / 32, 192). Out: as of the head.
    """
    tail, top = efficientnet.tail(size), head(classes, **shape)
    crops = keras.Input((2 * looks, *tail.input_shape[1:]), name=efficientnet.TRUNK)
    x = tail(keras.ops.reshape(crops, (-1, *tail.input_shape[1:])))
    x = keras.ops.mean(keras.ops.reshape(x, (-1, 2, looks * efficientnet.LAST)), axis=1)  # with the mirror images'
    x = layers.Identity(name="features")(keras.ops.maximum(x, SMALLEST))  # above 0 the head's roots have a slope
    return keras.Model(crops, top(x), name="fine_tuned")
