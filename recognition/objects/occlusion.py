"""Find what in a photo made a network choose a class: hide one place after another and see how sure it stays.

Occlusion (Zeiler and Fergus, 2014): it needs nothing of the network but its answers, so LiteRT does, in one batch.
"""

import cv2
import numpy as np

from recognition.objects.classes import known_classes
from recognition.objects.classification import Classifier
from recognition.objects.crops import cut

PLACES = 8  # hidden in turn, along each side of a view
LEAST = 1e-30  # probability that is taken for 0
SIDE = 320  # pixels of the longer side of the map; it has no finer detail


def masks(size: int) -> np.ndarray:
    """Return how much of each pixel is hidden, float32 (PLACES * PLACES, size, size), 0 to 1: soft round spots.

    Soft, because the edges of a hard one are something to see for a network.
    """
    axis = np.arange(size, dtype=np.float32)
    centres = (np.arange(PLACES, dtype=np.float32) + 0.5) * size / PLACES - 0.5
    spot = np.exp(-(((axis - centres[:, None]) / (size / 8)) ** 2) / 2)  # (PLACES, size)
    return (spot[:, None, :, None] * spot[None, :, None, :]).reshape(-1, size, size)


def hide(image: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Return an RGB image, uint8 (size, size, 3), with each mask's place blurred, uint8 (N, size, size, 3)."""
    size = image.shape[0]
    blurred = cv2.GaussianBlur(image, (0, 0), size / 6, borderType=cv2.BORDER_REPLICATE).astype(np.float32)
    return np.rint(image + hidden[..., None] * (blurred - image)).astype(np.uint8)


def explain(frame: np.ndarray, classifier: Classifier, label: str) -> np.ndarray:
    """Return how much of a class's log-odds each place of a BGR frame, hidden, takes away: float32 (H, W), >= 0.

    Log-odds, log(p / (1 - p)), tell reasons apart where a network is so sure that its probability hardly moves. 1 - p
    is what the other classes and "none of these" have, added up: of 0.99999999 a float32 keeps only 1.
    Of the views that `classification.classify` averages, mirror images left out, and averaged as there; or, where one
    shows all of the frame, of that alone: the edges of closer ones are something to see in the picture.
    """
    size, column = classifier.size, classifier.class_names.index(label)
    height, width = frame.shape[:2]
    boxes, hidden = classifier.views(width, height), masks(size)
    boxes = [box for box in boxes if box[2] - box[0] >= max(width, height)][:1] or boxes
    images = [cut(frame, box, size) for box in boxes]
    batch = np.concatenate([[image, *hide(image, hidden)] for image in images])
    found = classifier.predict(batch)
    count = len(known_classes(classifier.class_names))
    none, known = found[:, count:].sum(1), found[:, :count]  # 0 where there is no such class
    known = known * ((1 - none) / np.maximum(known.sum(1), LEAST))[:, None]  # together they have what is left by it
    against = np.delete(known, column, 1).sum(1) + none
    odds = np.maximum(known[:, column], LEAST) / np.maximum(against, LEAST)
    found = np.log(odds).reshape(len(boxes), -1)
    scale = min(1.0, SIDE / max(width, height))
    heat = np.zeros((max(1, round(height * scale)), max(1, round(width * scale))), np.float32)
    for box, (whole, *rest) in zip(boxes, found, strict=True):
        drops = whole - np.array(rest, np.float32)
        local = np.tensordot(drops, hidden, 1) / hidden.sum(axis=0)
        heat += _place(local, box, scale, heat.shape) / len(boxes)
    return cv2.resize(np.maximum(heat, 0), (width, height), interpolation=cv2.INTER_LINEAR)


def _place(local: np.ndarray, box: tuple[int, int, int, int], scale: float, shape: tuple[int, int]) -> np.ndarray:
    """Return a view's map, (size, size), where its box lies in a map of the whole frame, float32 `shape`."""
    zoom = scale * (box[2] - box[0]) / len(local)
    # Pixel centres to pixel centres
    move = np.float32([[zoom, 0, scale * box[0] + (zoom - 1) / 2], [0, zoom, scale * box[1] + (zoom - 1) / 2]])
    return cv2.warpAffine(local, move, shape[::-1], flags=cv2.INTER_LINEAR)
