"""The paper under the writing and the camera before it: rulings, textures, shadows, edges, blur, noise, JPEG."""

import cv2
import numpy as np


def _grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of every pixel from -1 to 1, float32 (side, side) each."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j].astype(np.float32)
    return x, y


def _noise(side: int, cells: int, rng: np.random.Generator, stretch: float = 1.0) -> np.ndarray:
    """Return smooth noise, float32 (side, side), of so many cells a side, drawn out for wood."""
    shape = max(2, cells), max(2, round(cells * stretch))
    field = rng.standard_normal(shape).astype(np.float32)
    return cv2.resize(field if rng.random() < 0.5 else field.T, (side, side), interpolation=cv2.INTER_CUBIC)


def scenery(side: int, photos: list[str], rng: np.random.Generator) -> np.ndarray | None:
    """Return a part of one of the photos in light 0-1, float32 (side, side), None without any."""
    if not photos:
        return None
    content = np.fromfile(photos[rng.integers(len(photos))], np.uint8)
    image = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE)
    part = min(image.shape) * rng.uniform(0.3, 1)
    y, x = (rng.uniform(0, length - part) for length in image.shape)
    scale = side / part
    matrix = np.float32([[scale, 0, -scale * x], [0, scale, -scale * y]])
    return cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_CUBIC).astype(np.float32) / 255


def paper(side: int, height: float, tilt: float, wear: float, rng: np.random.Generator) -> np.ndarray:
    """Return empty paper, light 0-1, float32 (side, side); `height`, `tilt`: of the writing's rows, for rulings.

    `wear`: how often its texture shows, 0 to 1.
    """
    x, y = _grid(side)
    ground = np.full((side, side), rng.uniform(0.55, 1.0), np.float32)
    if rng.random() < 0.12:  # a drawing on a screen, a scan
        return np.ones_like(ground)
    if rng.random() < 0.25 * wear:  # fibres, cloth, wood, stains
        cells = int(rng.choice([4, 8, 16, 40, 80, 160]))
        ground += _noise(side, cells, rng, rng.choice([1, 1, 0.1, 0.04])) * rng.uniform(0.01, 0.1)
    if rng.random() < 0.06 * wear:  # a pattern
        period, angle = rng.uniform(3, 40), rng.uniform(0, np.pi)
        wave = np.sin(side * np.pi / period * (np.cos(angle) * x + np.sin(angle) * y))
        ground += rng.uniform(0.02, 0.12) * (np.sign(wave) if rng.random() < 0.4 else wave)
    chance = rng.random()
    if chance < 0.42:  # ruled, or with squares
        _rule(ground, height, tilt, rng, squares=chance < 0.22)
    for _ in range(int(rng.choice([0, 1, 2], p=[0.35, 0.5, 0.15]))):  # shadows, soft and sharp
        angle, steepness = rng.uniform(0, 6.28), rng.choice([1.5, 4, 12, 40, 90])
        across = np.cos(angle) * x + np.sin(angle) * y + rng.choice([0, 0, 0.3]) * x * y
        ground *= 1 - rng.uniform(0, 0.55) / (
            1 + np.exp(-np.clip(steepness * (across - rng.uniform(-0.8, 0.8)), -30, 30))
        )
    return ground


def _rule(ground: np.ndarray, height: float, tilt: float, rng: np.random.Generator, squares: bool) -> None:
    """Draw the ruling of the paper, in place."""
    side = len(ground)
    gap = max(5.0, height * float(np.exp(rng.uniform(np.log(0.15 if squares else 0.4), np.log(2.2)))))
    layer, width = np.zeros((side, side), np.uint8), int(rng.choice([1, 1, 1, 2])) if gap > 14 else 1
    rise = np.tan(tilt + rng.normal(0, 0.01))
    for k in np.arange(-side, 2 * side, gap) + rng.uniform(0, gap):
        low, high = int(8 * (k - rise * side / 2)), int(8 * (k + rise * side / 2))
        cv2.line(layer, (0, low), (8 * side, high), 255, width, cv2.LINE_AA, 3)
        if squares:
            cv2.line(layer, (high, 0), (low, 8 * side), 255, width, cv2.LINE_AA, 3)
    ground -= layer * np.float32(rng.uniform(0.05, 0.6) * ground.mean() / 255)


def photograph(
    ground: np.ndarray,
    ink: np.ndarray,
    lines: np.ndarray,
    around: np.ndarray | None,
    wear: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return a photo, uint8 (side, side), of ink and of a form's lines, both 0-1, on paper, and where that is hidden.

    `around`: what the paper lies on, light 0-1. `wear`: how bad pen, light and camera are, 0 to 1. Hidden is, bool
    (side, side), what an edge or a finger covers.
    """
    side = len(ground)
    ink = cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.35, 0.6 + 0.4 * wear))
    if rng.random() < 0.4 * wear:  # pencil and chalk cover in grains
        grain = rng.random((side, side), np.float32)
        if rng.random() < 0.5:  # of rough paper
            grain = np.clip(3 * cv2.GaussianBlur(grain, (0, 0), rng.uniform(0.5, 1.2)) - 1, 0, 1)
        ink = ink * (1 - rng.uniform(0, 0.7) * grain)
    if rng.random() < 0.25 * wear:
        ink = ink * (1 - rng.uniform(0.2, 0.6) * (0.5 + 0.5 * np.tanh(_noise(side, 8, rng))))
    if rng.random() < 0.1 * wear:  # broken strokes, as of a bad scan
        ink = np.where(_noise(side, int(rng.choice([60, 110])), rng) > rng.uniform(0.7, 1.4), 0, ink)
    level, depth, line_depth = ground.mean(), rng.uniform(0.43 - 0.25 * wear, 0.97), rng.uniform(0.15, 0.9)
    image = ground * (1 - depth * ink) + 0.02 * level * ink
    if lines.any():
        lines = cv2.GaussianBlur(lines, (0, 0), rng.uniform(0.3, 0.7))
        image = image * (1 - line_depth * lines)
    hidden = np.zeros((side, side), bool)
    if rng.random() < 0.13:  # the edge of the page, and what it lies on
        image, hidden = _edge(image, around, rng)
    if rng.random() < 0.12:
        image = 1 - image * rng.uniform(0.7, 1)
    if rng.random() < 0.45:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 0.5 + 0.8 * wear))
    if rng.random() < 0.08 * wear:  # the hand moved
        kernel = np.zeros((7, 7), np.float32)
        angle = rng.uniform(0, np.pi)
        reach = rng.uniform(1, 3) * np.array([np.cos(angle), np.sin(angle)])
        cv2.line(
            kernel,
            tuple(np.round(3 - reach).astype(int).tolist()),
            tuple(np.round(3 + reach).astype(int).tolist()),
            1.0,
        )
        image = cv2.filter2D(image, -1, kernel / kernel.sum())
    image = image + wear * rng.choice([0, 0.002, 0.006, 0.012, 0.03]) * rng.standard_normal((side, side), np.float32)
    gain = rng.uniform(0.35, 1.0) if rng.random() < 0.3 else 1.0
    image = np.clip(image * gain * 255, 0, 255).astype(np.uint8)
    if rng.random() < 0.4:
        quality = int(rng.integers(round(60 - 38 * wear), 92))
        image = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 0)
    return image, hidden


def _edge(image: np.ndarray, around: np.ndarray | None, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the photo with a table, wood, cloth or darkness beyond an edge, or a finger on it, and where that is."""
    side = len(image)
    x, y = _grid(side)
    angle, where = rng.uniform(0, 6.28), rng.uniform(0.3, 1.1)
    beyond = np.cos(angle) * x + np.sin(angle) * y > where
    if rng.random() < 0.2:  # a finger, a coin, the end of a pen
        beyond = (
            np.hypot(
                (x - rng.uniform(-1, 1)) / rng.uniform(0.15, 0.4), (y - rng.uniform(-1, 1)) / rng.uniform(0.15, 0.9)
            )
            < 1
        )
    outside = around
    if around is None:
        grain = _noise(side, int(rng.choice([8, 32, 90])), rng, rng.choice([1, 0.1]))
        outside = rng.uniform(0.03, 0.9) + rng.uniform(0.02, 0.15) * grain
    return np.where(beyond, outside, image).astype(np.float32), beyond
