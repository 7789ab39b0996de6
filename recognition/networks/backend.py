"""Keras on TensorFlow, started quietly, and the layers of our own. It costs seconds: see who imports `networks`."""

import os

from recognition.settings import quiet

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow starts: no lines about GPUs that are not there
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

with quiet():
    import keras
    import tensorflow as tf
    from keras import layers

    tf.config.list_physical_devices()


class FusedBatchNormalization(layers.BatchNormalization):
    """Batch normalisation (Ioffe and Szegedy, 2015) that trains with TensorFlow's one fused kernel.

    Keras builds it from a dozen element-wise operations instead: with those, an epoch takes a third longer.
    """

    def call(self, inputs, training=None, mask=None):
        if not training:
            return super().call(inputs, training=False)
        scale = tf.convert_to_tensor(self.gamma) if self.scale else tf.ones(inputs.shape[-1])
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, scale, tf.convert_to_tensor(self.beta), epsilon=self.epsilon
        )
        self.moving_mean.assign(self.momentum * self.moving_mean + (1 - self.momentum) * mean)
        self.moving_variance.assign(self.momentum * self.moving_variance + (1 - self.momentum) * variance)
        return outputs


__all__ = ["FusedBatchNormalization", "keras", "layers", "tf"]
