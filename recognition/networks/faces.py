"""The networks that tell people apart, in Keras: aligned faces, pixels 0-255, in, a cosine for each person out."""

from recognition.networks import dlib_resnet
from recognition.networks.backend import FusedBatchNormalization, keras, layers

ALIKE = 0.84  # mean cosine of the descriptors of two strangers of LFW


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

    Its numbers are untrained: see dlib_resnet. The likeness is 0 where faces are as alike as those of strangers.
    """
    body = dlib_resnet.network()
    x = Cosines(classes, dtype="float32", name="cosines")(body.output)
    x = layers.Rescaling(1 / (1 - ALIKE), -ALIKE / (1 - ALIKE), dtype="float32", name="likeness")(x)
    return keras.Model(body.input, x, name="embedding")
