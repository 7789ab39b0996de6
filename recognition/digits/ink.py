"""From a photo of paper to the ink on it: uneven light, either polarity, coloured ink, ruled and graph paper."""

from functools import reduce

import cv2
import numpy as np

MAX_TILT = 0.17  # radians, about 10 degrees: how far ruling may be from level or upright


def _paper_light(frame: np.ndarray, kernel: int) -> np.ndarray:
    """Return what the paper would show without ink, as the frame: dark strokes narrower than `kernel` closed."""
    factor = max(1, kernel // 12)
    small = cv2.resize(frame, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    side = kernel // factor | 1
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_RECT, (side, side)))
    closed = np.maximum(cv2.GaussianBlur(closed, (0, 0), side / 12), 24)
    return cv2.resize(closed, frame.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def polarity(frame: np.ndarray) -> float:
    """Return how surely ink is lighter than paper: 1 light on dark, -1 dark on light, near 0 hard to tell.

    Ink is rare and far from the local median, so it skews the differences from it. Bold digits show in a wide
    neighbourhood; in a narrow one the edge of the page shows less.
    """
    gray = frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    scale = min(1.0, 400 / max(gray.shape))
    small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    few = np.ascontiguousarray(small[::3, ::3])  # the paper is smooth: its median costs by pixels
    skews = []
    for share in (3, 8):
        paper = cv2.resize(cv2.medianBlur(few, min(few.shape) // share | 1), small.shape[::-1])
        difference = small.astype(np.float32) - paper
        cubes = difference * difference * difference  # many times as fast as ** 3
        skews.append(float(cubes.sum() / max(np.abs(cubes).sum(), 1e-6)))
    return min(skews, key=abs) if skews[0] * skews[1] > 0 else 0.0


def ink_map(frame: np.ndarray, light_on_dark: bool) -> np.ndarray:
    """Return how surely each pixel is ink, float32 (H, W) in [0, 1]: 0 paper, 0.5 the edge of a stroke, 1 its middle.

    `frame`: BGR uint8 (H, W, 3) or gray (H, W).
    """
    kernel = max(9, min(frame.shape[:2]) // 6)
    soft = cv2.GaussianBlur(255 - frame if light_on_dark else frame, (0, 0), 0.8)
    light = _paper_light(soft, kernel)
    # Red ink is dark in blue and green, so the darkest channel counts. Bytes will do here: 0.4 % of the paper's light
    darkness = 255 - reduce(cv2.min, cv2.split(cv2.divide(soft, light, scale=255)))
    step = max(1, kernel // 24)  # a part is enough for a median
    pairs = zip(cv2.split(soft[::step, ::step]), cv2.split(light[::step, ::step]), strict=True)
    few = 1 - np.minimum(reduce(np.minimum, [np.divide(*pair, dtype=np.float32) for pair in pairs]), 1)
    noise = 1.4826 * np.median(np.abs(few - np.median(few)))
    low = np.median(few) + max(4 * noise, 0.05)

    # Every stroke is judged by its own darkness: the darkest ink nearby, but never less than a share of the page's ink
    strong = few[few > low]
    if strong.size == 0:
        return np.zeros(darkness.shape, np.float32)
    page = float(np.quantile(strong, 0.9))
    reach = max(3, kernel // 8) | 1
    factor = max(1, reach // 5)  # what is wide and smooth is found on a smaller image
    local = cv2.dilate(darkness, np.ones((factor, factor), np.uint8))
    local = cv2.resize(local, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_NEAREST)
    reach = reach // factor | 1
    local = cv2.dilate(local, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    edge = np.maximum(cv2.blur(local, (reach, reach)), 255 * max(0.7 * page, 2 * low)).astype(np.float32)
    edge = cv2.resize(edge, darkness.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.minimum(cv2.divide(darkness, edge, dtype=cv2.CV_32F), 1)


def remove_ruling(ink: np.ndarray) -> np.ndarray:
    """Return the ink map without the lines of ruled or graph paper; strokes that cross a line keep their ink.

    A line of ruling is thin, straight, within ten degrees of the image's axes, and crosses most of the image.
    """
    for turn in (lambda array: array, cv2.transpose):  # level lines, then upright ones
        mask = turn((ink > 0.25).astype(np.uint8))  # ruling pales beside dark ink
        lines = _level_lines(mask)
        if lines:
            left = turn(ink).copy()
            _erase(lines, left, mask)
            ink = turn(left)
    return ink


def _level_lines(mask: np.ndarray) -> list[tuple[float, float]]:
    """Return the nearly horizontal lines through a third of a mask: y in the middle column, and slope."""
    runs = cv2.dilate(mask, np.ones((3, 1), np.uint8))  # slanted and dotted lines hold together
    runs = cv2.morphologyEx(runs, cv2.MORPH_OPEN, np.ones((1, max(15, mask.shape[1] // 25)), np.uint8))
    if cv2.countNonZero(runs) < 0.35 * mask.shape[1]:
        return []
    runs -= cv2.morphologyEx(runs, cv2.MORPH_OPEN, np.ones((round(_thickest(mask)) + 3, 1), np.uint8))
    factor = -(-mask.shape[1] // 700)  # the vote costs by pixels; the line is refined on all of them later
    small = cv2.resize(runs, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    width = small.shape[1]
    angles = {"min_theta": np.pi / 2 - MAX_TILT, "max_theta": np.pi / 2 + MAX_TILT}
    voters = np.zeros_like(small)
    voters[:, ::3] = small[:, ::3]  # a third of the columns find the same lines
    votes = cv2.HoughLines(voters, 1, np.pi / 720, round(0.35 * width / 3), **angles)
    rho, theta = np.float64([] if votes is None else votes[:3000]).reshape(-1, 2).T
    slopes = -np.cos(theta) / np.sin(theta)
    middles = rho / np.sin(theta) + slopes * width / 2
    lines: list[tuple[float, float]] = []
    while len(middles) and len(lines) < 200:  # the line with most votes stands for those beside it
        lines.append(((middles[0] + 0.5) * factor - 0.5, slopes[0]))
        others = np.abs(middles - middles[0]) - np.abs(slopes - slopes[0]) * width / 2 > 4  # ruling does not cross
        middles, slopes = middles[others], slopes[others]
    return lines


def _thickest(image: np.ndarray) -> float:
    """Return how many pixels thick a line of ruling may be; what is thicker is the edge of a shadow."""
    return 3 + max(image.shape) / 100


def _erase(lines: list[tuple[float, float]], ink: np.ndarray, mask: np.ndarray) -> None:
    """Erase nearly horizontal lines in place, column by column, where the ink is no higher than the line is thick."""
    height, width = ink.shape
    columns = np.arange(width)
    # Where the ink of each column starts and ends, column after column
    upright = cv2.copyMakeBorder(cv2.transpose(mask), 0, 0, 1, 1, cv2.BORDER_CONSTANT, value=0)
    change = np.diff(upright.view(np.int8).ravel())
    starts, ends = np.flatnonzero(change > 0), np.flatnonzero(change < 0)
    reach = np.array(sorted(range(-4, 5), key=abs))[:, None]
    for middle, slope in lines:
        line = middle + slope * (columns - width / 2)
        for _ in range(2):  # the second time along the bends of the paper that the first one found
            near = np.clip(np.rint(line).astype(int) + reach, 0, height - 1) * width + columns
            inked = mask.take(near)
            nearest = inked.argmax(0), columns
            found, row = inked[nearest] > 0, near[nearest] // width
            run = np.searchsorted(starts, columns * (height + 2) + row, "right") - 1
            start, end = starts[run] - columns * (height + 2), ends[run] - columns * (height + 2)
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
        crosses = 0.6 if len(lines) > 2 else 0.9  # one line alone may be a stroke: of a 7, a 1, a plus
        if (
            thickness > _thickest(ink)
            or extent < max(crosses * width, 25 * thickness)
            or gaps[gaps > 8].sum() > 0.03 * extent
        ):
            continue
        first, last = np.maximum(start[thin] - 1, 0), np.minimum(end[thin] + 1, height)
        rows = first + np.arange((last - first).max())[:, None]
        inside = rows < last
        erased = rows[inside], np.broadcast_to(columns[thin], rows.shape)[inside]
        ink[erased] = mask[erased] = 0
