"""Backbones say what Keras says, from files of the layout of the published ones with random numbers in them."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from recognition.models import converted, store
from recognition.objects import backbones
from recognition.objects.classes import CIFAR10
from recognition.settings import UserError

rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (3, 64, 64, 3), np.uint8)


def keras_model(name: str, top: bool, size: int = 64):
    """Return a network of Keras applications with random numbers that neither die out nor explode."""
    from recognition.networks.backend import keras

    make = getattr(keras.applications, backbones.APPLICATIONS[name].network)
    model = (
        make(weights=None) if top else make(include_top=False, weights=None, input_shape=(size, size, 3), pooling="avg")
    )
    random = np.random.default_rng(1)
    for layer in model.layers:
        layer.set_weights([_random(array, random) for array in layer.get_weights()])
    return model


def _random(array: np.ndarray, random: np.random.Generator) -> np.ndarray:
    if array.ndim == 1:  # biases near 0, scales and variances near 1, and all of them different
        return array + random.uniform(-0.1, 0.1, array.shape)
    inputs = np.prod(array.shape[:2] if array.shape[-1] == 1 else array.shape[:-1])  # the former: channel by channel
    return random.normal(0, np.sqrt(2 / inputs), array.shape)


def write(model, path: Path) -> Path:
    """Write a file as Keras 2 did, which is how the weights are published."""
    with h5py.File(path, "w") as file:
        layers = list(model.layers)
        file.attrs["layer_names"] = [layer.name.encode() for layer in layers]
        for layer in layers:
            group = file.create_group(layer.name)
            weights = [(f"{layer.name}/{k}_{weight.name}:0", weight.numpy()) for k, weight in enumerate(layer.weights)]
            group.attrs["weight_names"] = [name.encode() for name, _ in weights]
            for name, array in weights:
                group[name] = array
    return path


def keras_features(model, name: str, images: np.ndarray) -> np.ndarray:
    from recognition.networks.backend import keras

    module = getattr(keras.applications, name)
    pixels = module.preprocess_input(images.astype(np.float32))
    return np.concatenate([model.predict(pixels[k : k + 1], verbose=0) for k in range(len(pixels))])


@pytest.fixture(scope="module")
def vgg16(tmp_path_factory) -> tuple[Path, Path, np.ndarray]:
    """Return a file of VGG16 without top, the folder of its conversion, and what Keras says of the images."""
    folder = tmp_path_factory.mktemp("vgg16")
    model = keras_model("vgg16", top=False)
    path = write(model, folder / "mine.h5")
    backbones.load("vgg16", path, published=folder / "models")
    return path, folder / "models", keras_features(model, "vgg16", IMAGES)


def test_vgg16_says_what_keras_says_and_is_converted_once(vgg16, monkeypatch):
    _, folder, expected = vgg16
    monkeypatch.setattr(converted, "export", None)  # not called any more, and the weights are not looked for
    backbone = backbones.load("vgg16", published=folder)
    assert expected.std() > 0.1
    assert np.abs(backbone.features(IMAGES) - expected).max() <= 1e-3 * max(1, np.abs(expected).max())
    frame = np.ascontiguousarray(IMAGES[0][..., ::-1])
    assert np.allclose(
        backbone.features_of([backbone.crops(frame)])[0], expected[0], atol=1e-3 * np.abs(expected).max()
    )
    assert backbone.features(IMAGES[:0]).shape == (0, 512)
    assert backbones.load("vgg16", size=96, published=folder).features(np.zeros((1, 96, 96, 3), np.uint8)).shape == (
        1,
        512,
    )


def test_other_numbers_than_those_first_used_are_refused(vgg16, tmp_path):
    path, folder, _ = vgg16
    other = tmp_path / "other.h5"
    other.write_bytes(path.read_bytes())
    with h5py.File(other, "r+") as file:
        file["block1_conv1"][file["block1_conv1"].attrs["weight_names"][1]][0] = 7
    with pytest.raises(UserError, match=r"not the file first used .*delete .*vgg16\.json"):
        backbones.load("vgg16", other, published=folder)


@pytest.mark.parametrize("top", [False, True])
def test_mobilenet_v2_says_what_keras_says_with_and_without_top(tmp_path, top):
    model = keras_model("mobilenet_v2", top)
    path = write(model, tmp_path / "weights.h5")
    backbone = backbones.load("mobilenet_v2", path, published=tmp_path / "models")
    body = keras_model("mobilenet_v2", top=False)
    body.set_weights(model.get_weights()[: len(body.weights)])
    expected = keras_features(body, "mobilenet_v2", IMAGES)
    assert expected.std() > 0.01
    assert np.abs(backbone.features(IMAGES) - expected).max() < 1e-3
    if not top:  # at another size the strides cut the same
        images = rng.integers(0, 256, (2, 160, 160, 3), np.uint8)
        larger = keras_model("mobilenet_v2", top=False, size=160)
        larger.set_weights(body.get_weights())
        found = backbones.load("mobilenet_v2", size=160, published=tmp_path / "models").features(images)
        assert np.abs(found - keras_features(larger, "mobilenet_v2", images)).max() < 1e-3


def refusal(path: Path, **settings) -> str:
    with pytest.raises(UserError) as caught:
        backbones.load("vgg16", path, published=path.parent / "none", **settings)
    assert not (path.parent / "none").exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_weights_of_another_network_or_none_are_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["conv/kernel"] = np.zeros((5, 5, 3, 8), np.float32)
    message = refusal(tmp_path / "a.h5")
    assert str(tmp_path / "a.h5") in message
    assert "VGG16" in message
    assert "(3, 3, 3, 64)" in message
    assert "(5, 5, 3, 8)" in message
    (tmp_path / "b.h5").write_text("no weights")
    assert "no HDF5 file" in refusal(tmp_path / "b.h5")
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["evil"] = h5py.ExternalLink(str(tmp_path / "a.h5"), "/conv")
    assert "refused" in refusal(tmp_path / "c.h5")
    assert "not found" in refusal(tmp_path / "missing.h5")
    assert "--size 100: must be a multiple of 32" in refusal(tmp_path / "a.h5", size=100)


def test_no_network_names_the_file_and_where_to_put_it(tmp_path, monkeypatch):
    monkeypatch.setattr(backbones, "KERAS", "http://127.0.0.1:9/")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    with pytest.raises(UserError, match=r"models/vgg16_.*notop\.h5 not found and not downloaded .*--weights"):
        backbones.load("vgg16", published=tmp_path / "models")
    path = tmp_path / "keras" / "models" / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"other numbers")  # where Keras keeps its own: found, and compared with the published hash
    with pytest.raises(UserError, match=r"keras/models/vgg16_.*notop\.h5: not the file expected"):
        backbones.load("vgg16", published=tmp_path / "models")


def test_features_and_probabilities_come_from_one_network(tmp_path):
    from recognition.networks import architectures
    from recognition.networks.backend import keras

    keras.utils.set_random_seed(3)
    network = architectures.ARCHITECTURES["fast"](10)
    for _ in range(20):  # batch normalisation has to see something: else the numbers vanish from layer to layer
        network(rng.integers(0, 256, (32, 32, 32, 3)).astype(np.float32), training=True)
    card = {"architecture": "fast", "class_names": list(CIFAR10), "threshold": 0.0}
    store.save(network, card, "cifar10", tmp_path)
    body = keras.Model(network.input, [network.output, network.get_layer("features").output])
    images = rng.integers(0, 256, (5, 32, 32, 3), np.uint8)
    probabilities, features = body.predict(images.astype(np.float32), verbose=0)
    model = store.load("cifar10", tmp_path)
    found = model.run(images, batch_size=2)
    assert features.std() > 0.1
    assert np.array_equal(found["features"], model.features(images, 2))
    assert np.array_equal(found["probabilities"], model.predict(images, 2))
    # Its weights are rounded to 8 bits: 0.015 to 0.031 with five seeds, of this untrained network
    assert np.abs(found["probabilities"] - probabilities).max() < 0.04
    assert np.abs(found["features"] - features).max() < 0.1 * features.std() + 0.05 * features.max()
    backbone = backbones.load("cifar10", folder=tmp_path)
    assert backbone.identity["sha256"] == card["sha256"]["weights.h5"]
    frame = np.ascontiguousarray(images[0, ..., ::-1])
    both = (model.features(images[:1]) + model.features(images[:1, :, ::-1]))[0] / 2
    assert np.allclose(backbone.features_of([backbone.crops(frame)])[0], both, atol=0.05 * features.max())


def test_a_network_without_features_is_no_backbone(colours):
    with pytest.raises(UserError, match="no network of the architecture 'fast'"):
        backbones.load("cifar10", folder=colours / "models")
    with pytest.raises(UserError, match=r"--weights .* has no effect"):
        backbones.load("cifar10", Path("a.h5"))
