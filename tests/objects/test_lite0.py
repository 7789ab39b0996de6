"""EfficientNet-Lite0 out of pip's package: its first layers computed with NumPy, its conversion, its names."""

from pathlib import Path

import numpy as np
import pytest

from recognition.models import torch_weights
from recognition.objects import backbones, imagenet, lite0
from recognition.settings import UserError

SIDE = 32


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    return torch_weights.read(lite0.check(lite0.find()))


@pytest.fixture(scope="module")
def network(weights):
    return lite0.trained(weights, SIDE)


def convolve(x: np.ndarray, kernel: np.ndarray, stride: int = 1) -> np.ndarray:
    """Return channels (C, H, W) convolved with a kernel as PyTorch has it, (filters, C or 1, k, k).

    One of one channel a filter takes each channel by itself. Padded as TensorFlow does, an odd pixel at the end.
    """
    side, window = x.shape[1], kernel.shape[2]
    out = -(-side // stride)
    around = max(0, (out - 1) * stride + window - side)
    before = around // 2
    padded = np.pad(x, ((0, 0), (before, around - before), (before, around - before)))
    found = np.zeros((len(kernel), out, out))
    for row in range(out):
        for column in range(out):
            part = padded[:, row * stride : row * stride + window, column * stride : column * stride + window]
            parts = part[:, None] if kernel.shape[1] == 1 and len(kernel) == len(x) else part[None]
            found[:, row, column] = (parts * kernel).sum((1, 2, 3))
    return found


def normalise(x: np.ndarray, weights: dict, name: str) -> np.ndarray:
    factor, shift, mean, variance = (
        weights[f"{name}.{part}"][:, None, None].astype(float)
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    return (x - mean) / np.sqrt(variance + 1e-3) * factor + shift


def relu6(x: np.ndarray) -> np.ndarray:
    return np.clip(x, 0, 6)


def test_the_first_layers_say_what_numpy_says(weights, network):
    from recognition.networks.backend import keras

    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.float32)
    x = (image.transpose(2, 0, 1).astype(float) - 127) / 128
    x = relu6(normalise(convolve(x, weights["_conv_stem.weight"], 2), weights, "_bn0"))
    for block, stride in ((0, 1), (1, 2), (2, 1)):
        before, name = x, f"_blocks.{block}"
        if block:
            x = relu6(normalise(convolve(x, weights[f"{name}._expand_conv.weight"]), weights, f"{name}._bn0"))
        x = relu6(normalise(convolve(x, weights[f"{name}._depthwise_conv.weight"], stride), weights, f"{name}._bn1"))
        x = normalise(convolve(x, weights[f"{name}._project_conv.weight"]), weights, f"{name}._bn2")
        x = x + before if block == 2 else x
    added = next(layer for layer in network.layers if type(layer).__name__ == "Add")  # of the third block
    (found,) = keras.Model(network.input, added.output).predict(image[None], verbose=0)
    assert x.std() > 0.5
    assert found.shape == (8, 8, 24)
    assert np.abs(found.transpose(2, 0, 1) - x).max() < 1e-3


def test_the_converted_network_says_what_keras_says(weights):
    from recognition.networks.backend import keras

    images = np.random.default_rng(1).integers(0, 256, (3, 6, 6, 3), np.uint8).repeat(16, 1).repeat(16, 2)
    network = lite0.trained(weights, 96)
    outputs = {"probabilities": network.output}
    outputs |= {name: network.get_layer(name).output for name in ("features", "trunk")}
    expected = keras.Model(network.input, outputs).predict(images.astype(np.float32), verbose=0)
    backbone = backbones.load(lite0.NAME, size=96)
    found = backbone.run(images) | backbone.before_last_block().run(images)
    assert found["features"].shape == (3, 1280) and found["probabilities"].shape == (3, 1000)
    for name, values in found.items():
        values, right = values.reshape(3, -1), expected[name].reshape(3, -1)
        error = np.linalg.norm(values - right, axis=1) / np.linalg.norm(right, axis=1)
        assert error.max() < 0.005  # its weights are rounded to 16 bits
    assert np.array_equal(backbone.features(images), found["features"])


def test_every_kind_has_a_word():
    assert len(imagenet.WORDS) == 1000
    # 207 is the golden retriever, 281 the tabby, 462 the broom
    assert [imagenet.WORDS[k] for k in (0, 207, 281, 462, 999)] == ["fish", "dog", "cat", "broom", "toilet paper"]
    assert imagenet.WORDS.count("dog") == 118 and imagenet.WORDS.count("cat") == 5
    assert not any(set(text) & set("*;|\n") or text != text.strip() for text in imagenet.WORDS)


def test_weights_and_odd_sizes_are_refused():
    with pytest.raises(UserError, match=r"--weights a\.h5 has no effect"):
        backbones.load(lite0.NAME, Path("a.h5"))
    with pytest.raises(UserError, match="--size 100: must be a multiple of 32"):
        backbones.load(lite0.NAME, size=100)


def test_a_frame_has_the_features_of_its_three_squares_mirror_images_averaged():
    backbone = backbones.load(lite0.NAME, size=64)
    frames = [
        np.random.default_rng(seed).integers(0, 256, (6, 6 + seed, 3), np.uint8).repeat(20, 0).repeat(20, 1)
        for seed in range(2)
    ]
    found = backbone.features_of([backbone.crops(frame) for frame in frames])
    assert found.shape == (2, 3840)
    for frame, row in zip(frames, found, strict=True):
        crops = backbone.crops(frame)
        for k in range(3):
            both = backbone.features(np.stack([crops[k], crops[k][:, ::-1]])).mean(0)
            assert np.abs(row[1280 * k : 1280 * (k + 1)] - both).max() < 1e-4
    assert np.allclose(found[0, :1280], found[0, 1280:2560], atol=1e-5)  # a square one: all of it is the largest in it
    assert np.abs(found[1, :1280] - found[1, 1280:2560]).max() > 0.01
