"""After the training of a network for objects: as sure as it is right, able to say "none of these", and measured.

Its probabilities cannot tell that it sees none of the things it was trained on: they add up to one whatever it sees,
and a face looks to it much like a dog. Its features, the numbers before its last layer, can: a line through them parts
the training images from drawn people and drawn sheets of writing, which lie where most photographs of people, of
writing and of bare surfaces lie, too. No photograph of anybody is needed.
"""

import numpy as np

from recognition.evaluation import calibration
from recognition.evaluation.metrics import confusion_matrix
from recognition.models import litert
from recognition.objects import classification
from recognition.objects.classes import known_classes
from recognition.objects.crops import crop_views
from recognition.synthetic import handwriting, portraits

PEOPLE, SHEETS = 300, 60  # drawn


def others(images: np.ndarray, seed: int = 0) -> list[np.ndarray]:
    """Return frames that show none of the classes, BGR uint8 (H, H, 3): drawn people before the images, RGB uint8, and
    drawn sheets of writing."""
    rng = np.random.default_rng(seed)
    behind = images[rng.integers(0, len(images), PEOPLE), :, :, ::-1]
    people = [portraits.draw_person(person, background, rng) for person, background in enumerate(behind)]
    return people + [handwriting.draw_sheet(rng) for _ in range(SHEETS)]


def line(inside: np.ndarray, outside: np.ndarray, ridge: float = 0.1) -> np.ndarray:
    """Return the line that best parts features of known things, float32 (N, D), from others, (M, D): float32 (D + 1,).

    Least squares with a ridge, 1 for known and 0 for others, both sides weighing the same; the offset comes last.
    """
    spread = inside.std(axis=0) + 0.02  # a feature that hardly ever varies would otherwise count without bound
    x = np.concatenate([inside, outside]) / spread
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    known = np.arange(len(x)) < len(inside)
    weights = np.where(known, 0.5 / len(inside), 0.5 / len(outside))
    found = np.linalg.solve(x.T @ (x * weights[:, None]) + ridge * np.eye(x.shape[1]), x.T @ (weights * known))
    found[:-1] /= spread
    return found.astype(np.float32)


def calibrate(model, images: np.ndarray, labels: np.ndarray) -> None:
    """Make a Keras model as sure as it is right about images that it was not trained on; its ranking stays the same."""
    views = [model.predict(seen, batch_size=500, verbose=0) for seen in (images, images[:, :, ::-1])]
    power = calibration.best_power(np.stack(views), labels)
    last = [layer for layer in model.layers if type(layer).__name__ == "Dense"][-1]
    last.set_weights([power * array for array in last.get_weights()])  # softmax makes a power of a factor


def line_to_others(model: litert.Model, images: np.ndarray) -> np.ndarray:
    """Return the line that parts a network's features of its training images, uint8 (N, 32, 32, 3), from others."""
    crops = np.concatenate([crop_views(frame, images.shape[1]) for frame in others(images)])
    return line(model.features(np.concatenate([images, images[:, :, ::-1]])), model.features(crops))


def measure(
    known: np.ndarray, held_back: tuple, test: tuple, refuse: float, model: litert.Model, card: dict
) -> np.ndarray:
    """Set in a card what tells "none of these", its threshold and the numbers; return the test set's confusion matrix.

    `known`: images trained on. `held_back`, `test`: images and labels; the threshold comes from those held back alone:
    it refuses the share `refuse` of them. What counts is the mean of what the network says of an image and of its
    mirror image; "plain" is what it says of the image alone.
    """
    if model.has_features:
        line = line_to_others(model, known)
        card["line"] = model.card["line"] = [float(f"{number:.5g}") for number in line]
    classifier = classification.Classifier(model)
    seen = classification.predict_both(classifier, held_back[0]).mean(0)
    both = classification.predict_both(classifier, test[0])
    fits = [classification.fit(probabilities, classifier.class_names) for probabilities in (seen, both.mean(0))]
    card["threshold"] = round(float(np.quantile(fits[0], refuse)), 3)
    names = len(known_classes(classifier.class_names))
    read = both.mean(0)[:, :names].argmax(1)
    measured = {
        "test_accuracy": (read == test[1]).mean(),
        "test_accuracy_plain": (both[0, :, :names].argmax(1) == test[1]).mean(),
        "test_refused": (fits[1] < card["threshold"]).mean(),
        "validation_accuracy": (seen[:, :names].argmax(1) == held_back[1]).mean(),
    }
    card["measured"] = {key: round(float(value), 5) for key, value in measured.items()}
    return confusion_matrix(test[1], read, names)
