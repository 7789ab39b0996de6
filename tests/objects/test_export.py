"""What is exported says what the collection says, and runs with LiteRT, NumPy and Pillow alone."""

import json
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import house
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from recognition.files import ROOT
from recognition.models import store
from recognition.objects import backbones, classification, lite0
from recognition.objects.classes import NONE, known_classes
from recognition.objects.crops import cut

EXPORT, RUN = "cifar_recognition/export.py", ROOT / "docs" / "run_exported.py"
LITE0 = "efficientnet_lite0"
SHAPES = [(200, 300), (300, 200), (160, 160), (500, 120)]


def photo(k: int) -> np.ndarray:
    """Return a photo of one of many colours and patterns, BGR."""
    rng = np.random.default_rng(k)
    small = rng.integers(0, 256, (rng.integers(1, 9), rng.integers(1, 9), 3)).astype(np.uint8)
    image = cv2.resize(small, SHAPES[k % 4][::-1], interpolation=cv2.INTER_CUBIC if k % 2 else cv2.INTER_NEAREST)
    cv2.circle(image, (image.shape[1] // 2, image.shape[0] // 2), 40, rng.integers(0, 256, 3).tolist(), -1)
    return image


def save_head(folder: Path, backbone: str, names: list[str], threshold: float) -> str:
    """Save a head that takes each of a few photos for one of the classes; return its path, without a suffix."""
    from recognition.networks import architectures

    network = backbones.load(backbone)
    features = np.concatenate([network.features_of([network.crops(photo(k))]) for k in range(2 * len(names))])
    head = architectures.ARCHITECTURES["head"](len(names), features.shape[1], 0, 0.0)
    roots = np.sqrt(np.maximum(features, 0))
    head.get_layer("standardised").set_weights([roots.mean(0), roots.var(0) + 0.01])
    z = (roots - roots.mean(0)) / np.sqrt(roots.var(0) + 0.01)
    wanted = np.eye(len(names))[np.arange(len(z)) % len(names)]
    kernel = z.T @ np.linalg.solve(z @ z.T + 100 * np.eye(len(z)), wanted - wanted.mean(0))  # ridge regression
    head.get_layer("logits").set_weights([4 * kernel, np.zeros(len(names))])
    card = {"architecture": "head", "shape": {"inputs": features.shape[1], "hidden": 0, "dropout": 0.0}}
    card |= {
        "class_names": names,
        "threshold": threshold,
        "backbone": json.loads(json.dumps(network.identity, default=int)),
    }
    store.save(head, card, "own", folder)
    return str(folder / "own")


class Exported:
    """An exported file as others run it."""

    def __init__(self, path: Path):
        self.labels = zipfile.ZipFile(path).read("labels.txt").decode().splitlines()
        self._model = Interpreter(str(path))
        self._input = self._model.get_input_details()[0]
        self.shape = self._input["shape"].tolist()

    def run(self, looks: np.ndarray) -> np.ndarray:
        self._model.allocate_tensors()
        self._model.set_tensor(self._input["index"], looks.astype(np.float32))
        self._model.invoke()
        return self._model.get_tensor(self._model.get_output_details()[0]["index"])


def compare(model: str, path: Path) -> list[str]:
    """Compare an exported file with what the collection says of photos' mean features; return the names it gives."""
    head, exported = store.load(model), Exported(path)
    backbone = backbones.load_of(head.card, model)
    known = known_classes(head.class_names)
    close = 0.03 if backbone.name == LITE0 else 0.1  # the collection runs cifar10 with weights of 8 bits, not 16
    assert exported.labels == [*known, NONE]
    assert exported.shape == [backbone.looks, backbone.size, backbone.size, 3]
    names = []
    for k in range(24):
        image = photo(k)
        own = head.predict(backbone.features_of([backbone.crops(image)]))[0]
        seen = classification.judge(own, head.class_names, head.threshold(None))
        boxes = backbone.views(image.shape[1], image.shape[0])
        found = exported.run(np.stack([cut(image, box, backbone.size) for box in boxes]))
        assert found.shape == (1, len(exported.labels))
        assert np.abs(found[0, :-1] - own[: len(known)]).max() < close
        if abs(seen.fit - head.threshold(None)) > close:  # else it may fall on either side
            assert (found[0, -1] > 0.5) == (not seen.known)
        names.append(seen.name)
    return names


def tell(path: Path, image: np.ndarray) -> tuple[str, float]:
    """Return the name and the probability that the ten lines of docs/ print of a photo; 0 with "none of these"."""
    file = path.with_name("told.png")
    cv2.imwrite(str(file), image)
    command = [sys.executable, "-I", str(RUN), str(path), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env={"PYTHONUTF8": "1"})
    assert done.returncode == 0, done.stderr
    name, _, share = done.stdout.strip().rpartition(" ") if "%" in done.stdout else (done.stdout.strip(), "", "0%")
    return name, float(share.rstrip("%")) / 100


def test_the_exported_file_says_what_the_collection_says(script, tmp_path):
    model = save_head(tmp_path / "models", LITE0, ["cat", "dög", "fish"], 0.6)
    done = script(EXPORT, model)
    assert (done.returncode, len(done.stderr.splitlines())) == (0, 1), done.stderr
    path = tmp_path / "output" / "own.tflite"
    assert done.stdout.startswith("output/own.tflite: 3 classes and 'none of these', 160x160 pixels, ")
    answers = compare(model, path)
    assert {"cat", "dög", "fish", NONE} <= set(answers)

    told = [tell(path, photo(k))[0] for k in range(12)]
    assert sum(a == b for a, b in zip(told, answers, strict=False)) >= 10
    assert {name.split(".")[0] for name in house.imports(RUN)} == {"sys", "zipfile", "numpy", "ai_edge_litert", "PIL"}


@pytest.mark.parametrize(
    ("backbone", "names", "threshold"),
    [
        ("efficientnet_lite0", ["cat", "dog", NONE], 0.7),
        ("efficientnet_lite0", ["cat", "dog"], 0.0),
        ("cifar10", ["a", "b"], 0.7),
    ],
)
def test_other_models_too(tmp_path, backbone, names, threshold):
    model = save_head(tmp_path, backbone, names, threshold)
    export = runpy.run_path(str(ROOT / EXPORT))
    assert export["main"](export["Config"](model, tmp_path / "it.tflite")) == 0
    answers = compare(model, tmp_path / "it.tflite")
    assert (NONE in answers) == (threshold > 0)
    if backbone == "cifar10":  # the one square that it looks at is no look of the others
        network, head = backbones.load(backbone), store.load(model)
        for k, name in enumerate(answers[:8]):
            told, share = tell(tmp_path / "it.tflite", photo(k))
            if told == name != NONE:
                assert abs(share - head.predict(network.features_of([network.crops(photo(k))])).max()) < 0.1


def test_a_model_whose_last_block_learned(tmp_path):
    from recognition.models.weights import load_weights
    from recognition.networks import architectures, efficientnet

    model = save_head(tmp_path, LITE0, ["cat", "dog"], 0.6)
    card = store.load(model).card
    head = load_weights(Path(f"{model}.weights.h5"), "head", 2, "", card["shape"])
    card |= {"architecture": "fine_tuned", "shape": {"size": 160, "looks": 3} | card["shape"]}
    tuned = architectures.ARCHITECTURES["fine_tuned"](2, **card["shape"])
    published, random = lite0.in_keras().get_weights()[efficientnet.BEHIND], np.random.default_rng(0)
    tuned.get_layer("tail").set_weights([array * random.uniform(0, 2, array.shape) for array in published])
    tuned.get_layer("head").set_weights(head.get_weights())
    store.save(tuned, card, "tuned", tmp_path)
    export = runpy.run_path(str(ROOT / EXPORT))
    assert export["main"](export["Config"](str(tmp_path / "tuned"), tmp_path / "it.tflite")) == 0
    answers = compare(str(tmp_path / "tuned"), tmp_path / "it.tflite")
    assert len(set(answers)) > 1
    before = backbones.load(LITE0).before_last_block()
    features = before.features_of([before.crops(photo(k)) for k in range(4)])
    other = store.load(str(tmp_path / "tuned")).predict(features)
    frozen = store.load(model).predict(backbones.load(LITE0).features_of([before.crops(photo(k)) for k in range(4)]))
    assert np.abs(other - frozen).max() > 0.05  # the block that learned is the one that answers


def test_nearness_counts_as_it_does_here():
    """A network of two numbers, the means of red and of green; near tells whatever is red."""
    from recognition.networks import exported
    from recognition.networks.backend import keras, layers

    inputs = keras.Input((4, 4, 3))
    backbone = keras.Model(inputs, layers.GlobalAveragePooling2D()(inputs)[:, :2] / 255)
    features = keras.Input((2,))
    head = keras.Model(features, {"probabilities": layers.Identity()(features), "near": features[:, :1]})
    near = {"middle": 0.4, "width": 0.1}
    looks = np.zeros((1, 4, 4, 3), np.float32)
    looks[0, :2, :3, 0], looks[0, :, :, 1] = 255, 51  # red 0.375, green 0.2
    for last, threshold in ((False, 0.5), (True, 0.5), (False, 0.3)):
        found = exported.whole(backbone, head, threshold, near, last).predict(looks, verbose=0)[0]
        none = 1 / (1 + np.exp((0.375 - 0.4) / 0.1))
        none = max(none, 0.2) if last else none
        odds = threshold / (1 - threshold) * none / (1 - none)
        assert np.allclose(found, [0.375, *([] if last else [0.2]), odds / (1 + odds)], atol=1e-4)
        assert (found[-1] > 0.5) == (1 - none < threshold)
    found = exported.whole(backbone, head, 0.5, None, False, least=0.3).predict(looks, verbose=0)[0]
    assert np.allclose(found[:2], [0.375, 0.3], atol=1e-4)


def test_what_cannot_be_exported_is_one_line(script, tmp_path):
    for arguments, code, message in (
        (["nothing"], 1, "nothing.json not found"),
        (["cifar10"], 2, "cifar10.tflite is one file already"),
        (["cifar10", "--output", "own.zip"], 2, "--output own.zip: name a .tflite file"),
        (["../cifar10", "--output", "x.tflite"], 1, "cifar10.json not found"),
    ):
        done = script(EXPORT, *arguments)
        assert (done.returncode, len(done.stderr.splitlines())) == (code, 1), done.stderr
        assert message in done.stderr
    assert list(tmp_path.iterdir()) == []
