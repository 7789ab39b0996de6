"""Say what a photo shows: look at squares of it as a network was trained on, and average what it makes of them.

Three steps: `views` (which squares of a photo), `crops` (cut out, shrunk, mirrored) and `judge` (the most probable
classes, or none of them).
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from recognition.media.roi import Box
from recognition.models import cards, litert, store
from recognition.objects.classes import NONE, known_classes
from recognition.objects.crops import crop_views, cut, views
from recognition.objects.kinds import SecondOpinion
from recognition.settings import UserError, say

TOP = 5
PHOTOS, IMAGENET, SMALL = "photos", "imagenet", "cifar10"  # models: for photos, their thousand kinds, without either


@dataclass
class Label:
    """One class and the probability, 0 to 1, that the photo shows it."""

    label: str
    confidence: float


@dataclass
class Objects:
    """What a photo may show, the most probable first.

    `known`: whether the first is believed, `fit`, 0 to 1, reaching the threshold.
    """

    known: bool
    top: list[Label]
    fit: float

    @property
    def name(self) -> str:
        """The class that is believed, else "none of these"."""
        return self.top[0].label if self.known else NONE


class Classifier:
    """A trained network, or the head of one behind its backbone: images to probabilities."""

    def __init__(self, model: litert.Model, backbone=None):
        self._model, self._backbone = model, backbone
        self.card, self.class_names, self.threshold = model.card, model.class_names, model.threshold
        self._line = np.array(model.card.get("line", []), np.float32)  # see training/object_scores.py
        self._near = model.card.get("near")  # see training/transfer/head.py
        if (self._line.size or self._near) and model.class_names[-1] != NONE:
            self.class_names = [*model.class_names, NONE]
        words = model.card.get("words")
        self._opinion = SecondOpinion(words, known_classes(self.class_names)) if words else None
        # As a head learned: from what the backbone says of all crops; two opinions are weighed crop by crop
        self._of_joined = bool(backbone) and not words
        self.slow = bool(backbone)
        self.size = backbone.size if backbone else model.shape[0]  # pixels of an image's side

    def views(self, width: int, height: int) -> list[Box]:
        """Return the squares of a frame to look at, x1 y1 x2 y2 in pixels."""
        return self._backbone.views(width, height) if self._backbone else views(width, height, self.size)

    def crops(self, frame: np.ndarray) -> np.ndarray:
        """Return these squares of a BGR frame and their mirror images, as in training, RGB uint8 (K, size, size, 3)."""
        return self._backbone.crops(frame) if self._backbone else crop_views(frame, self.size)

    def look(self, frame: np.ndarray, turn: int | None = None) -> np.ndarray:
        """Return what is seen in the crops of a BGR frame, or in one of them, the next at every `turn`: a row for each.

        To be told by `tell`. A network of photos takes as long for a crop as a frame of a film lasts.
        """
        if turn is None:
            return self._seen(self.crops(frame))
        boxes = self.views(frame.shape[1], frame.shape[0])
        image = cut(frame, boxes[turn % len(boxes)], self.size)[None]
        return self._seen(image[:, :, ::-1] if self._backbone.mirrored and turn // len(boxes) % 2 else image)

    def _seen(self, images: np.ndarray) -> np.ndarray:
        return self._backbone.features(images) if self._of_joined else self.predict(images)

    def tell(self, seen: np.ndarray) -> np.ndarray:
        """Return the probabilities, float32 (classes,), for all rows together that `look` returned."""
        return self._predict(self._backbone.joined(seen)[None])[0] if self._of_joined else seen.mean(axis=0)

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Return the probabilities, float32 (N, classes), of RGB images, uint8 (N, size, size, 3).

        "None of these" comes last, if the model has a way to tell; the others add up to one without it, unless it is a
        class that the head learned: then all do together.
        """
        if self._opinion:
            seen = self._backbone.run(images)
            return self._opinion.weigh(self._model.predict(seen["features"]), seen["probabilities"])
        return self._predict(self._backbone.alone(images) if self._backbone else images)

    def _predict(self, inputs: np.ndarray) -> np.ndarray:
        """Return the probabilities for what goes into the model: images, or a backbone's features of them."""
        seen = self._model.run(inputs)
        if self._near:
            return with_near(seen["probabilities"], seen["near"][:, 0], self._near, self._model.class_names)[0]
        if not self._line.size:
            return seen["probabilities"]
        near = np.clip(nearness(seen["features"], self._line), 0, 1)
        return np.concatenate([seen["probabilities"], 1 - near[:, None]], axis=1)


class Words(Classifier):
    """The thousand kinds of ImageNet as a classifier, by the words that people use for them."""

    def __init__(self, backbone):
        super().__init__(backbone.model)
        self._backbone, self.size, self.slow = backbone, backbone.size, True
        self.class_names, self._columns = np.unique(self.class_names, return_inverse=True)
        self.class_names = self.class_names.tolist()

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Return the probabilities of all words, float32 (N, words), of RGB images, uint8 (N, size, size, 3)."""
        kinds = self._backbone.run(images)["probabilities"]
        found = np.zeros((len(self.class_names), len(images)), np.float32)
        np.add.at(found, self._columns, kinds.T)
        return found.T


def load(name: str, folder: Path = cards.MODELS) -> Classifier:
    """Return a model in models/ that tells what a photo shows, or "imagenet".

    Where the network under "photos" cannot be had it is "cifar10", which is told. Raises UserError for a model that
    reads other images.
    """
    if name == IMAGENET:
        from recognition.objects import backbones, lite0

        return Words(backbones.load(lite0.NAME))
    card, backbone = cards.read_card(name, folder), None
    if "backbone" in card:
        from recognition.objects import backbones

        try:
            backbone = backbones.load_of(card, str(cards.card_path(name, folder)), folder)
        except UserError as error:
            if name != PHOTOS:
                raise
            say(f"{error}; going on with --model {SMALL}, which errs more often")
            return load(SMALL, folder)
    model = store.load(name, folder)
    if not backbone and (len(model.shape) != 3 or model.shape[0] != model.shape[1] or model.shape[2] != 3):
        path = cards.card_path(name, folder).with_suffix("")
        raise UserError(f"{path} is no object model: train one with python cifar_recognition/train.py")
    return Classifier(model, backbone)


def classify(frame: np.ndarray, classifier: Classifier, threshold: float, most: int = TOP) -> Objects:
    """Return what a BGR frame of any size shows; `threshold`: least fit that is believed."""
    return judge(mean(frame, classifier), classifier.class_names, threshold, most)


def mean(frame: np.ndarray, classifier: Classifier) -> np.ndarray:
    """Return the mean probabilities, float32 (classes,), of the crops of a BGR frame."""
    return classifier.tell(classifier.look(frame))


def fit(probabilities: np.ndarray, class_names: list[str]) -> np.ndarray:
    """Return how well images fit the classes at all, float32 (N,), 0 to 1, from all probabilities, (N, classes)."""
    return 1 - probabilities[:, -1] if class_names[-1] == NONE else probabilities.max(axis=1)


def judge(probabilities: np.ndarray, class_names: list[str], threshold: float, most: int = TOP) -> Objects:
    """Return what probabilities, float32 (classes,), say; `most`: how many classes are listed."""
    names = known_classes(class_names)
    best = np.argsort(-probabilities[: len(names)], kind="stable")[:most]
    top = [Label(names[k], round(float(probabilities[k]), 4)) for k in best]
    fits = float(fit(probabilities[None], class_names)[0])
    return Objects(fits >= threshold, top, fits)


def text_of(objects: Objects) -> str:
    """Return what was seen as one line: the classes of half a percent and more, or none, the nearest and its fit."""
    first, *others = objects.top
    listed = [f"{one.label} {one.confidence:.0%}" for one in [first, *(o for o in others if o.confidence >= 0.005)]]
    return ", ".join(listed) if objects.known else f"{NONE} (nearest: {listed[0]}, fit {objects.fit:.2f})"


def json_line(source: str, index: int, objects: Objects) -> str:
    """Return what was seen in a frame as one line of JSON: source, frame, known, top (label, confidence)."""
    top = [asdict(one) for one in objects.top]
    return json.dumps({"source": source, "frame": index, "known": objects.known, "top": top})


def predict_both(model, images: np.ndarray) -> np.ndarray:
    """Return a model's probabilities of images as they are and of the same mirrored, float32 (2, N, classes)."""
    return np.stack([model.predict(images), model.predict(images[:, :, ::-1])])


def with_near(
    probabilities: np.ndarray, near: np.ndarray, told: dict, class_names: list[str]
) -> tuple[np.ndarray, list[str]]:
    """Return probabilities and names of the classes and of "none of these", which comes last, (N, classes + 1).

    `near`: how near the nearest image of a class is, (N,); `told`: what counts as near, of the model's card. Where the
    last class is "none of these" already, an image is that if either says so.
    """
    none = 1 / (1 + np.exp(np.clip((near - told["middle"]) / told["width"], -50, 50))[:, None])
    if class_names[-1] == NONE:
        return np.concatenate([probabilities[:, :-1], np.maximum(probabilities[:, -1:], none)], 1), class_names
    return np.concatenate([probabilities, none], 1), [*class_names, NONE]


def nearness(features: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Return on which side of a line features, float32 (N, D), lie: 1 and above known, 0 and below others; (N,)."""
    return features @ line[:-1] + line[-1]
