"""The ways to recognise a face, all with the same methods.

`sface`, `dlib` and `vggface` compare embeddings of faces with those of the people's photos, each with its own;
`cnn` was trained on them. `auto` is `sface`, or `dlib` where SFace cannot be had.
`identify(frame, faces)` names the faces of a frame. Its three steps, for those who follow a face over many frames and
average its embeddings: `crop(frame, faces)`, `embed(crops)`, the slow one, and `match(embeddings)`.
`refresh()` takes in what was enrolled since.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from recognition.embeddings import dlib_embedder, sface_embedder
from recognition.faces.crops import FORMS, crops_of, similarities
from recognition.faces.detection import Face
from recognition.faces.gallery import Gallery, Match, is_human, one_each
from recognition.faces.labelled_photos import list_people
from recognition.faces.quality import is_clear
from recognition.models import cards, store
from recognition.settings import UserError, say
from recognition.sqlite.errors import Locked

SOFTNESS = 0.05  # of the cnn's distance, from a confidence of 0.5 to one of 0.73
MODEL = "faces"  # what train.py calls the cnn, unless told otherwise
TRAIN = "run python face_recognition/train.py"


class EmbeddingRecognizer:
    """Names faces by the people whose photos lie in a folder; new photos count from the next refresh on."""

    def __init__(self, people, embedder):
        self.people, self._embedder = people, embedder
        self._gallery: Gallery = people.gallery()
        self._stale = self._locked = False

    def refresh(self) -> bool:
        """Take in what was enrolled, renamed or forgotten since; tell whether something was. Cheap if not.

        While another program holds the database all goes on with the people of before.
        """
        try:
            self._stale |= self.people.refresh()
            gallery = self.people.gallery() if self._stale else self._gallery
        except Locked as error:
            if not self._locked:
                say(f"{error}, or wait: till then nobody new is recognised")
            self._locked = True
            return False
        changed, self._stale, self._locked, self._gallery = self._stale, False, False, gallery
        return changed

    def names(self) -> list[str]:
        """Return who may be named."""
        return self._gallery.names

    def identify(self, frame: np.ndarray, faces: list[Face]) -> list[Match]:
        """Return whom each face of a BGR frame belongs to, each person once; who is too small or blurred is unknown,
        and a dog is not human."""
        embeddings, statistics = self._embedder.embed(self.crop(frame, faces)), self._embedder.statistics
        matches = self.match(embeddings)
        for k, (face, embedding) in enumerate(zip(faces, embeddings, strict=True)):
            if not is_clear(frame, face):
                matches[k] = replace(matches[k], name=None, confidence=min(matches[k].confidence, 0.5))
            matches[k].human = bool(matches[k].name) or is_human(embedding, statistics, face.confidence)
        return one_each(matches, embeddings, statistics.same)

    def crop(self, frame: np.ndarray, faces: list[Face]) -> np.ndarray:
        """Return the faces of a BGR frame as the network wants them, uint8 (N, size, size, 3)."""
        return crops_of(frame, faces, self._embedder.size, self._embedder.padding)

    def embed(self, crops: np.ndarray) -> np.ndarray:
        """Return a description of each crop, float32 (N, D), in one pass, without its mirror image."""
        return self._embedder.embed(crops, mirrored=False)

    def match(self, embeddings: np.ndarray) -> list[Match]:
        """Return whom each description, or mean of some of one face, belongs to."""
        return self._gallery.match(embeddings)


class CnnRecognizer:
    """Names faces by the network that train.py trained on the people; whoever was forgotten since is not named."""

    def __init__(self, folder: Path, name: str = MODEL, models_folder: Path = cards.MODELS):
        """`folder`: the people who may be named. Raises UserError without a network that was trained for them."""
        self._folder, self._name, self._models = folder, name, models_folder
        self._said: list[str] = []
        self._load()

    def refresh(self) -> bool:
        """Take in a new training, and who was enrolled or forgotten since; tell whether something was. Cheap if not."""
        if self._stamp() == self._loaded and set(list_people(self._folder)) == self._known:
            return False
        self._load()
        return True

    def names(self) -> list[str]:
        """Return who may be named."""
        return [name for name in self._model.class_names if name in self._known]

    def identify(self, frame: np.ndarray, faces: list[Face]) -> list[Match]:
        """Return whom each face of a BGR frame belongs to; the distance is 1 - cosine, 0 to 2."""
        return self.match(self.embed(self.crop(frame, faces)))

    def crop(self, frame: np.ndarray, faces: list[Face]) -> np.ndarray:
        """Return the faces of a BGR frame as the network wants them, see faces.crops."""
        return self._form.crop(frame, faces)

    def embed(self, crops: np.ndarray) -> np.ndarray:
        """Return how alike each crop and each person are, float32 (N, people), to 1."""
        return similarities(self._model, crops)

    def match(self, embeddings: np.ndarray) -> list[Match]:
        """Return whom each description, or mean of some of one face, belongs to."""
        return [self._match(row) for row in embeddings]

    def _match(self, scores: np.ndarray) -> Match:
        """Return the person of the highest score, float (classes,), if that is high enough and he may be named."""
        best = int(scores.argmax())
        nearest, distance = self._model.class_names[best], float(1 - scores[best])
        near = distance <= self._limit and nearest in self._known
        confidence = float(1 / (1 + np.exp((distance - self._limit) / SOFTNESS)))
        return Match(nearest if near else None, distance, confidence if near else min(confidence, 0.5), nearest)

    def _load(self) -> None:
        card_path = cards.card_path(self._name, self._models)
        cards.complete(card_path.stem, card_path.parent)
        if not card_path.exists():
            raise UserError(f"{card_path} not found: the cnn is not trained yet: {TRAIN}")
        self._loaded, self._known = self._stamp(), set(list_people(self._folder))
        card = cards.read_card(self._name, self._models)
        self._form = FORMS.get(card["architecture"])
        if card.get("preprocessing") != str(self._form):
            raise UserError(f"{card_path}: no network for faces, or one for other crops: {TRAIN}")
        self._model = store.load(self._name, self._models)
        self._limit = 1 - self._model.threshold(None)
        trained = set(self._model.class_names)
        if not trained & self._known:
            raise UserError(f"{card_path}: trained for none of the people in {self._folder}: {TRAIN}")
        self._say_once(sorted(trained - self._known), f"not in {self._folder} any more, so not named")
        self._say_once(sorted(self._known - trained), f"unknown to the cnn till you {TRAIN}")

    def _say_once(self, names: list[str], what: str) -> None:
        message = f"{', '.join(names[:5])}{' ...' if len(names) > 5 else ''}: {what}"
        if names and message not in self._said:
            self._said.append(message)
            say(message)

    def _stamp(self) -> int:
        path = cards.card_path(self._name, self._models)
        return path.stat().st_mtime_ns if path.exists() else 0


def load_embedder(name: str, weights: Path | None = None):
    """Return what turns aligned faces into embeddings: `sface`, `dlib`, or `vggface`, of the .h5 file `weights`.

    "auto" is SFace, or dlib's where SFace cannot be had, and says which. It is loaded now, for what is missing is told
    before all else.
    """
    if name == "auto":
        try:
            return sface_embedder.load_embedder()
        except UserError as error:
            say(f"{error}; going on with --recognizer dlib, which gives more strangers a name")
            return dlib_embedder.load_embedder()
    if name == "vggface":
        from recognition.embeddings.vgg_face import VggFace

        return VggFace(weights)
    if name == "dlib":
        return dlib_embedder.load_embedder()
    if name == "sface":
        return sface_embedder.load_embedder()
    raise UserError(f"--recognizer {name} only names people: name a folder of photos of them, and leave out --pairs", 2)


def late_embedder(name: str):
    """Return `sface` or `dlib`, loaded when the first face is to be described: people can be listed without it.

    "auto" is as for load_embedder, loaded now unless SFace has been here before.
    """
    if name == "sface" or (name == "auto" and sface_embedder.is_here()):
        return sface_embedder.SFace()
    return dlib_embedder.LateEmbedder() if name == "dlib" else load_embedder(name)


def check(name: str, accept: float, model: str = MODEL, weights: Path | None = None) -> None:
    """Raise UserError for a share of strangers that is none, and for what another recogniser than `name` uses."""
    if not 0 < accept <= 1:
        raise UserError(f"--accept {accept}: must be more than 0, at most 1", 2)
    if model != MODEL and name != "cnn":
        raise UserError(f"--model {model} has no effect: it goes with --recognizer cnn", 2)
    if weights and name != "vggface":
        raise UserError(f"--weights {weights} has no effect: it goes with --recognizer vggface", 2)


def load(
    name: str, folder: Path, detector, accept: float = 0.01, model: str = MODEL, weights: Path | None = None
) -> EmbeddingRecognizer | CnnRecognizer:
    """Return a recogniser by its name, for the people whose photos are in `folder`.

    `accept`: share of strangers that may get a name; the cnn's was set when it was trained. `model`: the cnn's name in
    models/. `weights`: of `vggface`, an .h5 file. Raises UserError where something it needs is not there.
    """
    check(name, accept, model, weights)
    if name == "cnn":
        return CnnRecognizer(folder, model)
    from recognition.people.database import People

    embedder = load_embedder(name, weights)
    return of_people(People(folder, detector, embedder, accept), embedder)


def of_people(people, embedder) -> EmbeddingRecognizer:
    """Return a recogniser of people who are open, and say if there is nobody."""
    if people.is_empty():
        say(f"nobody is enrolled in {people.place}, so all are unknown: run python face_recognition/enroll.py")
    return EmbeddingRecognizer(people, embedder)
