"""The networks that read one digit, in Keras: 28x28x1 pixels 0-255 in, a softmax out."""

from recognition.networks.backend import FusedBatchNormalization, keras, layers


def compact(classes: int) -> keras.Model:
    """Return the default digit network: 28x28x1 in, five 3x3 convolutions with batch normalisation, `classes` out."""
    inputs = keras.Input((28, 28, 1), name="image")
    x = layers.Rescaling(1 / 255)(inputs)
    for block in ((32,), (64, 64), (128, 128)):
        for filters in block:
            padding = "same" if filters == 128 else "valid"
            x = layers.Conv2D(filters, 3, padding=padding, use_bias=False, kernel_initializer="he_normal")(x)
            x = FusedBatchNormalization(momentum=0.9)(x)
            x = layers.Activation("relu")(x)
        if filters < 128:
            x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.3)(x)
    x = layers.Dense(classes)(x)
    return keras.Model(inputs, layers.Activation("softmax", dtype="float32", name="probabilities")(x), name="compact")


def classic(classes: int) -> keras.Model:
    """Return the network of the Keras MNIST example of 2015: 28x28x1 in, 1,199,882 parameters with ten classes."""
    inputs = keras.Input((28, 28, 1), name="image")
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(32, 3, activation="relu")(x)
    x = layers.Conv2D(64, 3, activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.25)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(128, activation="relu")(x)
    x = layers.Dropout(0.5)(x)
    x = layers.Dense(classes)(x)
    return keras.Model(inputs, layers.Activation("softmax", dtype="float32", name="probabilities")(x), name="classic")
