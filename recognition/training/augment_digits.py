"""Training images of digits: other hands, pens and cameras from the same scans, and shapes that are no digit.

Every function takes and returns uint8 (N, 28, 28), white ink on black, as MNIST and `normalisation.normalise` have it.
Affine and elastic distortions after P. Simard, D. Steinkraus, J. Platt, "Best practices for convolutional neural
networks applied to visual document analysis" (2003).
"""

import cv2
import numpy as np

from recognition.digits import normalisation
from recognition.digits.normalisation import normalise
from recognition.settings import uninterrupted
from recognition.synthetic import handwriting

NO_DIGIT, SEVERAL = 10, 11  # the classes after the ten digits: some other shape, and digits that touch
CHUNK = 1000  # OpenCV's remap takes at most 32,767 rows: 1,000 images one under the other


def _bicubic(knots: int, size: int) -> np.ndarray:
    """Return the (size, knots) matrix that interpolates `knots` values over `size` pixels."""
    return cv2.resize(np.eye(knots, dtype=np.float32), (knots, size), interpolation=cv2.INTER_CUBIC)


def warp(images: np.ndarray, rng: np.random.Generator, strength: float = 1.0, elastic: float = 1.0) -> np.ndarray:
    """Return the digits turned, slanted, stretched and bent, again in a 20-pixel box about their centre of mass."""
    parts = [_warp(images[i : i + CHUNK], rng, strength, elastic) for i in range(0, len(images), CHUNK)]
    return np.concatenate(parts)


def _warp(images: np.ndarray, rng: np.random.Generator, strength: float, elastic: float) -> np.ndarray:
    n, size = len(images), images.shape[1]
    x, y = np.meshgrid(np.arange(size, dtype=np.float32), np.arange(size, dtype=np.float32))
    ink = images.reshape(n, -1).astype(np.float32)
    total = np.maximum(ink.sum(1), 1)
    centre_x, centre_y = ((ink @ axis.ravel() / total)[:, None, None] for axis in (x, y))

    angle = rng.uniform(-0.22, 0.22, n) * strength
    shear = rng.uniform(-0.3, 0.3, n) * strength
    aspect = np.exp(rng.uniform(-0.2, 0.2, n) * strength)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.stack([cos, -sin, sin, cos], -1).reshape(n, 2, 2)
    slant = np.stack([aspect, shear, np.zeros(n), 1 / aspect], -1).reshape(n, 2, 2)
    forward = (turn @ slant).astype(np.float32)

    def transform(matrix: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        (a, b), (c, d) = matrix.transpose(1, 2, 0)[..., None, None]
        return a * x + b * y, c * x + d * y

    inked = images > 64
    sides = [
        np.max(moved, (1, 2), where=inked, initial=-99) - np.min(moved, (1, 2), where=inked, initial=99) + 1
        for moved in transform(forward, x - centre_x, y - centre_y)
    ]
    zoom = 20 * rng.uniform(1 - 0.1 * strength, 1 + 0.1 * strength, n) / np.maximum(np.max(sides, 0), 4)
    backward = np.linalg.inv(forward * zoom[:, None, None]).astype(np.float32)
    target = (14 + rng.uniform(-1.2, 1.2, (2, n, 1, 1)) * strength).astype(np.float32)
    source_x, source_y = transform(backward, x - target[0], y - target[1])

    spread = _bicubic(5, size)
    bends = spread @ rng.normal(0, 0.9 * elastic, (2, n, 5, 5)).astype(np.float32) @ spread.T
    source_x = np.clip(source_x + centre_x + bends[0], 0, size - 1)  # scans have an empty border: the edge is paper
    source_y = np.clip(source_y + centre_y + bends[1], 0, size - 1)
    source_y += np.arange(n, dtype=np.float32)[:, None, None] * size
    stacked = images.reshape(n * size, size)
    maps = source_x.reshape(n * size, size), source_y.reshape(n * size, size)
    return cv2.remap(stacked, *maps, cv2.INTER_LINEAR).reshape(n, size, size)


def _morph(images: np.ndarray, operation: int, kernel: np.ndarray) -> np.ndarray:
    """Return a morphological operation of every image; their empty borders keep neighbours apart."""
    if not len(images):
        return images
    return cv2.morphologyEx(images.reshape(-1, images.shape[2]), operation, kernel).reshape(images.shape)


def pens(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the digits as other pens and cameras show them: thick, thin, faint, blurred, broken, on ruled paper."""
    n, size = images.shape[:2]
    result = images.astype(np.float32)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))

    def some(share: float) -> np.ndarray:
        return rng.random(n) < share

    thick, thin = some(0.25), some(0.2)
    amount = rng.uniform(0, 1, (n, 1, 1)).astype(np.float32)
    result[thick] += amount[thick] * (_morph(images[thick], cv2.MORPH_DILATE, cross) - result[thick])
    result[thin] += 0.6 * amount[thin] * (_morph(images[thin], cv2.MORPH_ERODE, np.ones((2, 2))) - result[thin])
    hard = some(0.3)  # edges as hard as a thresholded photo's, or as soft as a blurred one's
    result[hard] = np.clip((result[hard] - 128) * rng.uniform(1, 4, (hard.sum(), 1, 1)) + 128, 0, 255)
    for i in np.flatnonzero(some(0.15)):
        result[i] = cv2.GaussianBlur(result[i], (0, 0), 0.7)
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    for i in np.flatnonzero(some(0.06)):  # a line through the digit: a gap where the pen skipped, or a rest of ruling
        angle = rng.uniform(0, np.pi)
        distance = np.cos(angle) * (columns - rng.uniform(6, 22)) + np.sin(angle) * (rows - rng.uniform(6, 22))
        result[i] *= np.clip(np.abs(distance) / rng.uniform(0.5, 1.2), 0, 1)
    for i in np.flatnonzero(some(0.04)):
        y = rng.uniform(4, 24) + rng.normal(0, 0.05) * (columns - 14)
        line = np.clip(1 - np.abs(rows - y) / rng.uniform(0.6, 1.2), 0, 1) * ((columns > 3) & (columns < 25))
        result[i] = np.maximum(result[i], 255 * rng.uniform(0.3, 1) * line)
    faint = some(0.2)
    result[faint] *= rng.uniform(0.5, 1, (faint.sum(), 1, 1))
    return np.clip(result, 0, 255).astype(np.uint8)


def _scribble(rng: np.random.Generator) -> np.ndarray:
    """Return one shape that nobody wrote as a digit: a scribble, a blot, a stroke of ruling, a texture."""
    kind = rng.integers(4)
    image = np.zeros((28, 28), np.uint8)
    if kind == 0:
        points = np.cumsum(rng.normal(0, 0.3, (rng.integers(8, 20), 2)), 0)
        return normalisation.draw_strokes([points], thickness=rng.uniform(1.2, 3.5))
    if kind == 1:
        axes = rng.uniform(3, 10, 2)
        angle = rng.uniform(0, 180)
        with uninterrupted():
            cv2.ellipse(image, ((14, 14), tuple(2 * axes), angle), 255, -1, cv2.LINE_AA)
        return image
    if kind == 2:
        for _ in range(rng.integers(1, 4)):
            y = int(rng.uniform(5, 23))
            cv2.line(image, (4, y), (24, y + int(rng.integers(-2, 3))), 255, int(rng.integers(1, 4)), cv2.LINE_AA)
        if rng.random() < 0.5:
            x = int(rng.uniform(5, 23))
            cv2.line(image, (x, 4), (x, 24), 255, int(rng.integers(1, 3)), cv2.LINE_AA)
        return image
    noise = cv2.GaussianBlur(rng.normal(0, 1, (28, 28)).astype(np.float32), (0, 0), rng.uniform(0.6, 2.5))
    image[4:24, 4:24] = np.where(noise > np.quantile(noise, rng.uniform(0.5, 0.9)), 255, 0)[4:24, 4:24]
    return image


def no_digits(count: int, images: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return `count` shapes that are no digit: letters and signs, digits mirrored or lying, scribbles and blots."""
    glyphs = list(handwriting.NO_DIGITS)
    shapes = [
        normalisation.draw_strokes(
            handwriting.write(glyphs[rng.integers(len(glyphs))], rng), thickness=rng.uniform(1.2, 3.6)
        )
        for _ in range(count * 5 // 8)
    ]
    by_digit = [np.flatnonzero(labels == digit) for digit in range(10)]

    def pick(choices: list[int]) -> np.ndarray:
        return images[rng.choice(by_digit[rng.choice(choices)])]

    shapes += [pick([3, 4, 7, 9])[:, ::-1] for _ in range(count // 8)]
    shapes += [np.rot90(pick([2, 3, 4, 5, 7]), rng.choice([1, 3])) for _ in range(count // 16)]
    shapes += [np.rot90(pick([4, 7]), 2) for _ in range(count // 16)]
    shapes += [_scribble(rng) for _ in range(count - len(shapes))]
    return np.stack(shapes).astype(np.uint8)


def several_digits(count: int, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return `count` images of two to four digits that touch: what has to be cut before it can be read."""
    results = []
    for _ in range(count):
        parts = [
            image[:, image.max(0) > 64] for image in images[rng.integers(0, len(images), rng.choice([2, 2, 2, 3, 4]))]
        ]
        overlap = rng.integers(0, 4)
        canvas = np.zeros((28, sum(part.shape[1] for part in parts)), np.uint8)
        x = 0
        for part in parts:
            window = canvas[:, x : x + part.shape[1]]
            np.maximum(window, np.roll(part, rng.integers(-3, 4), axis=0), out=window)
            x += part.shape[1] - overlap
        results.append(normalise(canvas))
    return np.stack(results)


def written_digits(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return `count` digits in forms that scans of one country lack (1 with a foot, 7 with a bar) and their labels."""
    labels = rng.integers(0, 10, count)
    images = [
        normalisation.draw_strokes(handwriting.write(str(label), rng), thickness=rng.uniform(1.2, 3.6))
        for label in labels
    ]
    return np.stack(images), labels.astype(np.uint8)


def training_set(
    images: np.ndarray, labels: np.ndarray, extra: tuple | None, written: int, shapes: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return all images to train on, and their classes, int (N,): digits, and shapes that are none, if wanted.

    `extra`: more images and labels; `written`: how many digits in our own hand; `shapes`: how many that are no digit,
    to which a third of that comes which are several.
    """
    parts = [(images, labels)]
    if written:
        parts.append(written_digits(written, rng))
    if extra:
        parts.append(extra)
    if shapes:
        parts.append((no_digits(shapes, images, labels, rng), np.full(shapes, NO_DIGIT)))
    if shapes // 3:
        parts.append((several_digits(shapes // 3, images, rng), np.full(shapes // 3, SEVERAL)))
    found, classes = zip(*parts, strict=True)
    return np.concatenate(found), np.concatenate(classes).astype(int)


def augment(images: np.ndarray, rng: np.random.Generator, strength: float, others: float, plain: float) -> np.ndarray:
    """Return the digits warped, a share `others` of them through other pens; a share `plain` as they are."""
    if not (strength or others):
        return images
    batch = warp(images, rng, strength, strength)
    chosen = rng.random(len(batch)) < others
    batch[chosen] = pens(batch[chosen], rng)
    kept = rng.random(len(batch)) < plain
    batch[kept] = images[kept]
    return batch
