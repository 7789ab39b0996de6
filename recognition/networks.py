"""The architectures, in Keras. Only training, evaluation and export import this module: it costs seconds.

All take raw uint8 pixels as floats 0-255 (scaling is their first layer). Digits end in a softmax, faces in cosines.
"""

from recognition import dlib_network
from recognition.backend import FusedBatchNormalization, keras, layers, tf
from recognition.ladder import cnn, conv, conv_pool, dense, fast

ALIKE = 0.84  # mean cosine of the descriptors of two strangers of LFW


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


class Cosines(layers.Layer):
    """The cosine between each feature vector, (N, D), and each class's direction: (N, classes), -1 to 1."""

    def __init__(self, classes: int, **settings):
        super().__init__(**settings)
        self.classes = classes

    def build(self, input_shape):
        self.directions = self.add_weight(
            shape=(input_shape[-1], self.classes), initializer="glorot_normal", name="directions"
        )

    def call(self, inputs):
        features = keras.ops.normalize(keras.ops.cast(inputs, "float32"), axis=-1)
        directions = keras.ops.normalize(keras.ops.cast(self.directions, "float32"), axis=0)
        return keras.ops.matmul(features, directions)


def faces(classes: int) -> keras.Model:
    """Return the face network: 200x200x1 in, four convolutions, 128 features, `classes` cosines out.

    It keeps where in the face something is (flattened, not averaged), because aligned faces have all in one place.
    """
    inputs = keras.Input((200, 200, 1), name="image")
    x = layers.Rescaling(1 / 255)(inputs)
    # Each image's own brightness and contrast taken out: light is not identity
    x = layers.LayerNormalization(axis=(1, 2, 3), center=False, scale=False, dtype="float32")(x)
    for filters in (16, 32, 64, 128):
        size, strides = (5, 2) if filters == 16 else (3, 1)
        x = layers.Conv2D(filters, size, strides, "same", use_bias=False, kernel_initializer="he_normal")(x)
        x = FusedBatchNormalization(momentum=0.9)(x)
        x = layers.Activation("relu")(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.4)(x)
    x = layers.Dense(128, use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9, name="features")(x)
    return keras.Model(inputs, Cosines(classes, dtype="float32", name="cosines")(x), name="faces")


def embedding(classes: int) -> keras.Model:
    """Return dlib's face descriptor with a direction for each person: 150x150 RGB in, likenesses out, 1 for the same.

    Its numbers are untrained: see dlib_network. The likeness is 0 where faces are as alike as those of strangers.
    """
    body = dlib_network.network()
    x = Cosines(classes, dtype="float32", name="cosines")(body.output)
    x = layers.Rescaling(1 / (1 - ALIKE), -ALIKE / (1 - ALIKE), dtype="float32", name="likeness")(x)
    return keras.Model(body.input, x, name="embedding")


def head(classes: int, inputs: int, hidden: int, dropout: float) -> keras.Model:
    """Return what is trained on the features of another network: `inputs` numbers in, `hidden` units or none.

    Their roots, for most are small and few large: S. Yang et al., "Free lunch for few-shot learning" (2021).
    """
    features = keras.Input((inputs,), name="features")
    x = keras.ops.sqrt(keras.ops.relu(features))
    # Keeps the mean and variance that the roots had in training; as a layer, no script can forget it
    x = layers.BatchNormalization(center=False, scale=False, epsilon=1e-6, trainable=False, name="standardised")(x)
    if hidden:
        x = layers.Dropout(dropout)(layers.Dense(hidden, activation="relu")(x))
    # From zero, a linear head has one best answer, whatever the seed
    x = layers.Dense(classes, kernel_initializer="glorot_uniform" if hidden else "zeros", name="logits")(x)
    return keras.Model(features, layers.Activation("softmax", dtype="float32", name="probabilities")(x), name="head")


DIGITS, FACES = {"compact": compact, "classic": classic}, {"faces": faces, "embedding": embedding}
OBJECTS = {"dense": dense, "conv": conv, "conv_pool": conv_pool, "cnn": cnn, "fast": fast}
ARCHITECTURES = DIGITS | FACES | OBJECTS | {"head": head}
__all__ = ["ARCHITECTURES", "DIGITS", "FACES", "OBJECTS", "keras", "layers", "tf"]
