"""A backbone and a head as one network in Keras, for those who run it without this collection."""

import math

from recognition.networks.backend import keras, layers


def whole(
    backbone: keras.Model,
    head: keras.Model,
    threshold: float,
    near: dict | None,
    last_is_none: bool,
    least: float = 0.0,
) -> keras.Model:
    """Return a network: RGB pixels 0-255, (K, size, size, 3), K looks at one photo, to probabilities, (1, classes + 1).

    The last of them is that of "none of these": more than a half exactly where the collection believes no class, its
    fit being below `threshold`; the others are as the collection has them. `backbone`: images to features, of which
    `head` takes those of each look, averaged with its mirror image's, one behind the other, and at least `least`;
    `near`, of the model's card: what counts as near, where the head tells how near the nearest image of a class is;
    `last_is_none`: the head has that class of its own.
    """
    looks = head.input_shape[-1] // backbone.output_shape[-1]
    inputs = keras.Input(backbone.input_shape[1:], looks, name="image")
    seen = keras.ops.concatenate([inputs, keras.ops.flip(inputs, axis=2)], axis=0)
    features = keras.ops.mean(keras.ops.reshape(backbone(seen), (2, 1, head.input_shape[-1])), axis=0)
    found = head(keras.ops.maximum(features, least))
    probabilities = found["probabilities"] if isinstance(found, dict) else found
    none = probabilities[:, -1:] if last_is_none else None
    classes = probabilities[:, :-1] if last_is_none else probabilities
    if near:
        far = keras.ops.sigmoid((near["middle"] - found["near"]) / near["width"])
        none = far if none is None else keras.ops.maximum(none, far)
    fit = keras.ops.max(classes, axis=-1, keepdims=True) if none is None else 1 - none
    # 0 and 1 have no odds; nothing that is shown depends on where between these they are cut off
    fit = keras.ops.clip(fit, 1e-6, 1 - 1e-6)
    threshold = min(max(threshold, 1e-6), 1 - 1e-6)
    odds = math.log(threshold / (1 - threshold)) - (keras.ops.log(fit) - keras.ops.log(1 - fit))
    outputs = keras.ops.concatenate([classes, keras.ops.sigmoid(odds)], axis=-1)
    return keras.Model(inputs, layers.Activation("linear", name="probabilities")(outputs), name="exported")
