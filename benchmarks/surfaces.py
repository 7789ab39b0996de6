"""Bare surfaces drawn as cameras see them: wood, marble, bricks, cloth, gravel, grass. No network learned from them."""

import cv2
import numpy as np

SIDE = 256  # pixels


def clouds(rng: np.random.Generator, power: float) -> np.ndarray:
    """Return smooth noise, float32 (SIDE, SIDE), mean 0, deviation 1; higher powers are smoother."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE)))
    frequency[0, 0] = 1
    noise = np.fft.ifft2(np.fft.fft2(rng.normal(size=(SIDE, SIDE))) / frequency**power).real
    return ((noise - noise.mean()) / noise.std()).astype(np.float32)


def wood(rng: np.random.Generator) -> np.ndarray:
    """Return year rings, float32 (SIDE, SIDE), about -1 to 1."""
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.sin(x * rng.uniform(0.1, 0.4) + 3 * clouds(rng, 2) + 0.01 * y) + 0.3 * clouds(rng, 0.5)


def marble(rng: np.random.Generator) -> np.ndarray:
    """Return veins."""
    return 1 - 3 * np.abs(clouds(rng, 1.7)) ** 0.5 + 0.2 * clouds(rng, 1)


def bricks(rng: np.random.Generator) -> np.ndarray:
    """Return a wall: rows of bricks, each of its own brightness, and joints."""
    height = int(rng.integers(14, 40))
    width, wall = int(2.2 * height), np.full((SIDE, SIDE), 1.5, np.float32)
    for row, y in enumerate(range(0, SIDE, height)):
        for x in range(-width * (row % 2) // 2, SIDE, width):
            wall[y : y + height - 3, max(0, x) : max(0, x + width - 3)] = rng.normal(-0.3, 0.3)
    return wall + 0.3 * clouds(rng, 0.7)


def cloth(rng: np.random.Generator) -> np.ndarray:
    """Return threads, over and under each other, and folds."""
    y, x = np.mgrid[:SIDE, :SIDE] * rng.uniform(0.4, 1.2)
    return 0.5 * np.sign(np.sin(x) * np.sin(y)) * np.abs(np.sin(x + y)) + 0.6 * clouds(rng, 2)


def gravel(rng: np.random.Generator) -> np.ndarray:
    """Return stones: each place has the brightness of its nearest stone, darker towards the gaps."""
    stones = int(rng.integers(60, 900))
    seeds = np.full((SIDE, SIDE), 255, np.uint8)
    seeds[tuple(rng.integers(0, SIDE, (2, stones)))] = 0
    far, nearest = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5)
    return rng.normal(0, 0.7, nearest.max() + 1)[nearest] - far / far.mean() + 0.2 * clouds(rng, 0.5)


def grass(rng: np.random.Generator) -> np.ndarray:
    """Return blades."""
    image = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(3000):
        start = rng.integers(0, SIDE, 2)
        end = start + rng.normal(0, 12, 2) * (0.3, 1)
        cv2.line(image, start.tolist(), end.astype(int).tolist(), float(rng.normal()), 1, cv2.LINE_AA)
    return image


def draw(rng: np.random.Generator) -> np.ndarray:
    """Return a surface of a random kind, colour and light, BGR uint8 (SIDE, SIDE, 3)."""
    kind = rng.choice([wood, marble, bricks, cloth, gravel, grass])
    tints = rng.uniform(0.75, 1.1, (2, 3))  # few surfaces are gaudy
    dark, light = tints * ((rng.uniform(20, 110),), (rng.uniform(130, 220),))
    share = np.clip(0.5 + 0.3 * kind(rng), 0, 1)[..., None]
    image = (dark + (light - dark) * share) * (1 + 0.08 * clouds(rng, 2.5)[..., None])
    return np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8)
