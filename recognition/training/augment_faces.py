"""Training images of faces: the same people in other light, pose and sharpness, and people who do not exist.

Every function takes and returns uint8 images, gray (N, H, W) or of colour (N, H, W, 3). What is erased follows
Z. Zhong et al., "Random erasing data augmentation" (2020).
"""

import cv2
import numpy as np

MARGIN = 0.1  # of the width and height, around the part that the network sees: room to turn and shift


def augment(crops: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """Return another view of every crop, with MARGIN around it: turned, mirrored, lit, blurred, part hidden.

    `strength`: 0 leaves only the mirror image, 1 is the full range. The result is without the margin.
    """
    return np.stack([_hide(_photograph(_turn(crop, rng, strength), rng, strength), rng, strength) for crop in crops])


def centre(crops: np.ndarray) -> np.ndarray:
    """Return the crops without their margin, as the network sees them when it is used."""
    side = inner(crops.shape[1])
    start = (crops.shape[1] - side) // 2
    return crops[:, start : start + side, start : start + side]


def inner(side: int) -> int:
    """Return the side of a crop without its margin."""
    return round(side / (1 + 2 * MARGIN))


def _turn(crop: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Return the inner part of a crop as if its landmarks had been found a little elsewhere, or of its mirror image."""
    side, target = crop.shape[0], inner(crop.shape[0])
    angle, (wide, high) = rng.normal(0, 0.06) * strength, np.exp(rng.normal(0, 0.05, 2) * strength)
    shift = rng.normal(0, 0.02 * target, 2) * strength
    shear = rng.normal(0, 0.04) * strength
    turn = np.array([(np.cos(angle), -np.sin(angle) + shear), (np.sin(angle), np.cos(angle))]) * (wide, high)
    if rng.random() < 0.5:
        turn[:, 0] *= -1
    offset = (side - 1) / 2 + shift - turn @ np.full(2, (target - 1) / 2)
    matrix = np.column_stack([turn, offset])
    return cv2.warpAffine(crop, matrix, (target, target), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def _photograph(image: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Return the image in other light, from the side too, and through another camera."""
    side = image.shape[0]
    gamma, contrast = np.exp(rng.normal(0, (0.25, 0.2)) * strength)
    levels = (np.arange(256) / 255) ** gamma
    levels = (levels - 0.5) * contrast + 0.5 + rng.normal(0, 0.08) * strength
    image = cv2.LUT(image, (255 * np.clip(levels, 0, 1)).astype(np.uint8))
    if rng.random() < 0.5 * strength:
        angle, amount = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.5)
        line = np.linspace(-1, 1, side, dtype=np.float32)
        light = 1 + amount * (np.cos(angle) * line + np.sin(angle) * line[:, None])
        channels = image.size // light.size
        image = cv2.multiply(image, cv2.merge([light.astype(np.float32)] * channels), dtype=cv2.CV_8U)
    if rng.random() < 0.4 * strength:
        small = max(8, round(side * rng.uniform(0.2, 0.7)))  # a face that was small in its photo
        image = cv2.resize(cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA), (side, side))
    if rng.random() < 0.4 * strength:
        noise = np.empty(image.shape, np.int16)
        cv2.setRNGSeed(int(rng.integers(2**31)))
        cv2.randn(noise, 0, rng.uniform(1, 10))
        image = cv2.add(image, noise, dtype=cv2.CV_8U)
    return image


def _hide(image: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Return the image, half of the time with a rectangle of one shade over a part of it."""
    if rng.random() < 0.5 * strength:
        side = image.shape[0]
        width, height = (rng.uniform(0.1, 0.4, 2) * side).astype(int)
        x, y = (int(rng.integers(-size // 2, side - size // 2)) for size in (width, height))
        image[max(0, y) : y + height, max(0, x) : x + width] = rng.integers(256)
    return image


def invent(
    crops: np.ndarray, labels: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return photos of `count` people who do not exist, and who is on each, int (M,), 0 to count - 1.

    Each is put together from two of the people, in one way for all of his photos: a morph of both, the upper or left
    half of one with the rest of the other, or patches of each.
    """
    people = np.unique(labels)
    invented, owners = [], []
    for owner in range(count):
        first, second = (np.flatnonzero(labels == person) for person in rng.choice(people, 2, replace=False))
        mask = _mask(crops.shape[1], rng)
        mask = mask[..., None] if crops.ndim == 4 else mask
        for k in range(max(len(first), len(second))):
            parts = crops[first[k % len(first)]], crops[second[k % len(second)]]
            invented.append((parts[0] * mask + parts[1] * (1 - mask)).astype(np.uint8))
            owners.append(owner)
    return np.stack(invented), np.array(owners)


def _mask(side: int, rng: np.random.Generator) -> np.ndarray:
    """Return how much of the first face is to be seen where, float32 (side, side), 0 to 1."""
    kind = rng.integers(4)
    if kind == 0:
        return np.full((side, side), rng.uniform(0.35, 0.65), np.float32)
    if kind == 3:
        knots = rng.normal(0, 6, (4, 4)).astype(np.float32)
        return 1 / (1 + np.exp(-cv2.resize(knots, (side, side), interpolation=cv2.INTER_CUBIC)))
    line = np.arange(side, dtype=np.float32)
    edge = 1 / (1 + np.exp((line - side * rng.uniform(0.35, 0.65)) / (0.03 * side)))
    return np.broadcast_to(edge[:, None] if kind == 1 else edge, (side, side))


def fill_up(crops: np.ndarray, labels: np.ndarray, people: int, rng: np.random.Generator) -> tuple:
    """Return crops and labels with those of invented people added, until there are so many people."""
    real = len(np.unique(labels))
    if real >= people:
        return crops, labels
    invented, owners = invent(crops, labels, people - real, rng)
    return np.concatenate([crops, invented]), np.concatenate([labels, real + owners])
