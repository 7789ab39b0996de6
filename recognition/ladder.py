"""The networks for objects, in Keras: five steps from one dense layer to a residual-free network of 94 %.

All take RGB pixels 0-255, (N, 32, 32, 3), and end in a softmax. Each step adds one idea to the step before.
"""

from recognition.backend import FusedBatchNormalization, keras, layers

SIDE = 32  # pixels of CIFAR-10's images


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


def fast(classes: int, widths: tuple[int, ...] = (64, 256, 256)) -> keras.Model:
    """Return the default: whitened 2x2 patches, then six 3x3 convolutions, each with batch normalisation.

    After K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU" (2024).
    """
    inputs = keras.Input((SIDE, SIDE, 3), name="image")
    x = layers.Normalization(mean=(125.3, 123.0, 113.9), variance=(63.0**2, 62.1**2, 66.7**2))(inputs)
    x = layers.Conv2D(24, 2, activation="relu", name="whitening")(x)
    for filters in widths:
        for place in range(2):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            if place == 0:
                x = layers.MaxPooling2D()(x)
            x = FusedBatchNormalization(momentum=0.6, scale=False)(x)
            x = layers.Activation("relu")(x)
    x = layers.GlobalMaxPooling2D(name="features")(x)
    x = layers.Dense(classes, use_bias=False)(x)
    x = layers.Rescaling(1 / widths[-1])(x)
    return keras.Model(inputs, layers.Activation("softmax", dtype="float32", name="probabilities")(x), name="fast")
