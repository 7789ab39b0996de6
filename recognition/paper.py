"""From a photo of paper to the ink on it: uneven light, either polarity, coloured ink, ruled and graph paper."""

import cv2
import numpy as np

MAX_TILT = 0.17  # radians, about 10 degrees: how far ruling may be from level or upright


def _paper_light(channel: np.ndarray, kernel: int) -> np.ndarray:
    """Return what the paper would show without ink, float32 (H, W): dark strokes narrower than `kernel` closed."""
    factor = max(1, kernel // 12)
    small = cv2.resize(channel, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    side = kernel // factor | 1
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_RECT, (side, side)))
    closed = cv2.GaussianBlur(closed, (0, 0), side / 12)
    return cv2.resize(closed, channel.shape[::-1], interpolation=cv2.INTER_LINEAR).astype(np.float32)


def polarity(frame: np.ndarray) -> float:
    """Return how surely ink is lighter than paper: 1 light on dark, -1 dark on light, near 0 hard to tell.

    Ink is rare and far from the local median, so it skews the differences from it. Bold digits show in a wide
    neighbourhood; in a narrow one the edge of the page shows less.
    """
    gray = frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    scale = min(1.0, 400 / max(gray.shape))
    small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    skews = []
    for share in (3, 8):
        paper = cv2.medianBlur(small, min(small.shape) // share | 1)
        cubes = (small.astype(np.float32) - paper) ** 3
        skews.append(float(cubes.sum() / max(np.abs(cubes).sum(), 1e-6)))
    return min(skews, key=abs) if skews[0] * skews[1] > 0 else 0.0


def ink_map(frame: np.ndarray, light_on_dark: bool) -> np.ndarray:
    """Return how surely each pixel is ink, float32 (H, W) in [0, 1]: 0 paper, 0.5 the edge of a stroke, 1 its middle.

    `frame`: BGR uint8 (H, W, 3) or gray (H, W).
    """
    channels = list(cv2.split(frame))
    kernel = max(9, min(frame.shape[:2]) // 6)
    gray = channels[0] if len(channels) == 1 else cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    gray = cv2.medianBlur(gray, 3)
    if light_on_dark:
        channels = [255 - channel for channel in channels]
    darkness = np.zeros(gray.shape, np.float32)
    for channel in channels:  # red ink is dark in blue and green, so the darkest channel counts
        channel = cv2.GaussianBlur(channel, (0, 0), 0.8)
        light = _paper_light(channel, kernel)
        darkness = np.maximum(darkness, 1 - channel / np.maximum(light, 24))
    few = darkness[::3, ::3]  # enough for a median
    noise = 1.4826 * np.median(np.abs(few - np.median(few)))
    low = np.median(few) + max(4 * noise, 0.05)

    # Every stroke is judged by its own darkness: the darkest ink nearby, but never less than a share of the page's ink
    strong = darkness[darkness > low]
    if strong.size == 0:
        return np.zeros(gray.shape, np.float32)
    page = float(np.quantile(strong, 0.9))
    reach = max(3, kernel // 8) | 1
    local = cv2.dilate(darkness, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    local = cv2.blur(local, (reach, reach))
    edge = np.maximum(np.maximum(0.5 * local, 0.35 * page), low)
    return np.clip(darkness / (2 * edge), 0, 1)


def remove_ruling(ink: np.ndarray) -> np.ndarray:
    """Return the ink map without the lines of ruled or graph paper; strokes that cross a line keep their ink.

    A line of ruling is thin, straight, within ten degrees of the image's axes, and crosses most of the image.
    """
    ink = ink.copy()
    _remove_level_lines(ink)
    _remove_level_lines(ink.T)
    return ink


def _level_lines(mask: np.ndarray) -> list[tuple[float, float]]:
    """Return the nearly horizontal lines through a third of a mask: y in the middle column, and slope."""
    factor = max(1, mask.shape[1] // 600)  # the vote costs by pixels; the line is refined on all of them later
    small = cv2.resize(mask, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    width = small.shape[1]
    angles = {"min_theta": np.pi / 2 - MAX_TILT, "max_theta": np.pi / 2 + MAX_TILT}
    votes = cv2.HoughLines((small > 0).astype(np.uint8), 1, np.pi / 720, round(0.35 * width), **angles)
    lines: list[tuple[float, float]] = []
    for rho, theta in [] if votes is None else votes[:3000].reshape(-1, 2).astype(float):
        slope = -np.cos(theta) / np.sin(theta)
        middle = rho / np.sin(theta) + slope * width / 2
        if all(abs(middle - other) > 4 for other, _ in lines):
            lines.append((middle, slope))
    return [((middle + 0.5) * factor - 0.5, slope) for middle, slope in lines[:200]]


def _remove_level_lines(ink: np.ndarray) -> None:
    """Erase nearly horizontal lines in place, column by column, where the ink is no higher than the line is thick."""
    height, width = ink.shape
    mask = (ink > 0.25).astype(np.uint8)  # ruling pales beside dark ink
    runs = cv2.dilate(mask, np.ones((3, 1), np.uint8))  # slanted and dotted lines hold together
    runs = cv2.morphologyEx(runs, cv2.MORPH_OPEN, np.ones((1, max(15, width // 25)), np.uint8))
    lines = _level_lines(runs)
    if not lines:
        return
    rows, columns = np.arange(height)[:, None], np.arange(width)
    above = np.maximum.accumulate(np.where(mask, -1, rows), axis=0)  # the last paper above each pixel, the next below
    below = np.minimum.accumulate(np.where(mask, height, rows)[::-1], axis=0)[::-1]
    reach = np.array(sorted(range(-4, 5), key=abs))[:, None]
    for middle, slope in lines:
        line = middle + slope * (columns - width / 2)
        for _ in range(2):  # the second time along the bends of the paper that the first one found
            near = np.clip(np.round(line + reach).astype(int), 0, height - 1)
            inked = mask[near, columns]
            found, row = inked.any(0), near[inked.argmax(0), columns]
            start, end = above[row, columns] + 1, below[row, columns]
            thickness = np.median((end - start)[found]) if found.any() else 0
            thin = found & (end - start <= 1.5 * thickness + 1)
            if not thin.any():
                break
            offset = np.interp(columns, columns[thin], ((start + end - 1) / 2 - line)[thin])
            shift = cv2.medianBlur(np.clip(offset * 8 + 128, 0, 255).astype(np.uint8)[None], width // 20 | 1)
            line = line + (shift[0] / 8.0 - 16)
        thin &= np.abs((start + end - 1) / 2 - line) <= thickness / 2 + 1
        # A row of digits has gaps, ruling has none wider than between its dots
        gaps, extent = np.diff(columns[found]), np.ptp(columns[found]) if found.any() else 0
        too_thick = thickness > 3 + max(ink.shape) / 100  # the edge of a shadow
        crosses = 0.6 if len(lines) > 2 else 0.9  # one line alone may be a stroke: of a 7, a 1, a plus
        if too_thick or extent < max(crosses * width, 25 * thickness) or gaps[gaps > 8].sum() > 0.03 * extent:
            continue
        for x in columns[thin]:
            ink[max(0, start[x] - 1) : end[x] + 1, x] = 0
            mask[start[x] : end[x], x] = 0
