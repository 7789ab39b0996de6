"""After the training of a network for objects: as sure as it is right, able to say "none of these", and measured."""

import numpy as np

from recognition.evaluation import calibration
from recognition.models import litert
from recognition.objects import classification
from recognition.objects.classes import known_classes
from recognition.objects.crops import crop_views
from recognition.training import novelty


def calibrate(model, images: np.ndarray, labels: np.ndarray) -> None:
    """Make a Keras model as sure as it is right about images that it was not trained on; its ranking stays the same."""
    views = [model.predict(seen, batch_size=500, verbose=0) for seen in (images, images[:, :, ::-1])]
    power = calibration.best_power(np.stack(views), labels)
    last = [layer for layer in model.layers if type(layer).__name__ == "Dense"][-1]
    last.set_weights([power * array for array in last.get_weights()])  # softmax makes a power of a factor


def line_to_others(model: litert.Model, images: np.ndarray) -> np.ndarray:
    """Return the line that parts a network's features of its training images, uint8 (N, 32, 32, 3), from others."""
    crops = np.concatenate([crop_views(frame, images.shape[1]) for frame in novelty.others(images)])
    return novelty.line(model.features(np.concatenate([images, images[:, :, ::-1]])), model.features(crops))


def measure(
    model: litert.Model, validation: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], refuse: float
) -> tuple[float, dict[str, float], np.ndarray]:
    """Return the threshold of "none of these", the numbers for the card, and what was read of the test set, int (N,).

    The threshold comes from the validation images alone: it refuses the share `refuse` of them. What counts is the mean
    of what the network says of an image and of its mirror image; "plain" is what it says of the image alone.
    """
    (x_validation, y_validation), (x_test, y_test) = validation, test
    classifier = classification.Classifier(model)
    seen = classification.predict_both(classifier, x_validation).mean(0)
    both = classification.predict_both(classifier, x_test)
    fits = [classification.fit(probabilities, classifier.class_names) for probabilities in (seen, both.mean(0))]
    threshold = round(float(np.quantile(fits[0], refuse)), 3)
    names = len(known_classes(classifier.class_names))
    read = both.mean(0)[:, :names].argmax(1)
    measured = {
        "test_accuracy": (read == y_test).mean(),
        "test_accuracy_plain": (both[0, :, :names].argmax(1) == y_test).mean(),
        "test_refused": (fits[1] < threshold).mean(),
        "validation_accuracy": (seen[:, :names].argmax(1) == y_validation).mean(),
    }
    return threshold, {key: round(float(value), 5) for key, value in measured.items()}, read
