"""Batches of pages for the page reader: cut out, scaled, turned, relit, with the maps that the network should give."""

import cv2
import numpy as np

from recognition.digits.detection import normalise
from recognition.networks.pages import BOX, STRIDE
from recognition.synthetic.writing import OTHER, SIGNS, UNSURE
from recognition.training.pages.pool import Pool

CLASSES = [*"0123456789", *SIGNS, "other"]
SIDE = 256  # pixels of a cut-out
LOWEST, HIGHEST = 14, 48  # pixels: heights of writing that the network is to read on one scale
HUGE = 72  # pixels: what is higher is no writing on this scale but a drawing
SAME_UPSIDE_DOWN = (0, 1, 6, 8, 9)


def turned(labels: np.ndarray, turns: int, side: int) -> np.ndarray:
    """Return the labels of a square page after np.rot90(page, turns); digits that stand on their side are none."""
    labels = labels.copy()
    for _ in range(turns):
        x1, y1, x2, y2 = labels[:, :4].T
        labels[:, :4] = np.stack([y1, side - x2, y2, side - x1], 1)
    if turns:
        digit = labels[:, 4] < OTHER
        same = np.isin(labels[:, 4], SAME_UPSIDE_DOWN) & (turns == 2)
        labels[digit, 4] = np.where(same[digit], UNSURE, OTHER)
    return labels


def make_batch(pool: Pool, chosen: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return cut-outs of the chosen pages, float32 (N, SIDE, SIDE, 1), and maps, float32 (N, SIDE/4, SIDE/4, C)."""
    images = np.empty((len(chosen), SIDE, SIDE, 1), np.float32)
    maps = np.zeros((len(chosen), SIDE // STRIDE, SIDE // STRIDE, len(CLASSES) + BOX + 3), np.float32)
    for k, index in enumerate(chosen):
        page, labels = pool.read(index)
        turns = int(rng.choice(4, p=[0.82, 0.06, 0.06, 0.06]))
        page, labels = np.rot90(page, turns), turned(labels, turns, len(page))
        scale = np.exp(rng.uniform(np.log(0.8), np.log(1.3)) + rng.normal(0, 0.07) * np.array([1, -1]))
        room = len(page) * scale - SIDE
        shift = -rng.uniform(np.minimum(0, room), np.maximum(0, room))
        matrix = np.float32([[scale[0], 0, shift[0]], [0, scale[1], shift[1]]])
        how = cv2.INTER_LINEAR if rng.random() < 0.7 else cv2.INTER_CUBIC
        image = cv2.warpAffine(page, matrix, (SIDE, SIDE), flags=how, borderMode=cv2.BORDER_REPLICATE)
        image = relight(image, rng)
        labels[:, :4] = labels[:, :4] * np.tile(scale, 2) + np.tile(shift, 2)
        labels[:, 5] *= scale[1]
        if rng.random() < 0.2:
            image, labels = framed(image, labels, rng)
        images[k, ..., 0] = normalise(image)
        draw_maps(maps[k], labels)
    return images, maps


def relight(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the page in other light, at times as a negative, out of focus, with other noise, uint8."""
    light = np.arange(256) / 255
    if rng.random() < 0.1:
        light = 1 - light
    light = light ** np.exp(rng.uniform(-0.5, 0.5)) * rng.uniform(0.75, 1)
    image = cv2.LUT(image, (255 * light).astype(np.uint8))
    if rng.random() < 0.05:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(1, 2.5))
    if rng.random() < 0.2:
        noise = cv2.randn(np.empty(image.shape, np.int16), 0, float(rng.choice([2, 4, 7])))
        image = cv2.add(image, noise, dtype=cv2.CV_8U)
    return image


def framed(image: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return a page that ends within the cut-out, with plain paper around it as `detection.pyramid` puts it.

    At times it is not much more than one digit.
    """
    x1, y1, x2, y2 = rng.choice([0, 1], 4) * rng.uniform(0, 0.35, 4) * SIDE
    whole = (labels[:, 4] < 10) & (labels[:, 5] >= LOWEST) & (labels[:, :4] >= 2).all(1)
    whole &= (labels[:, :4] <= SIDE - 2).all(1)
    if whole.any() and rng.random() < 0.2:
        left, top, right, bottom = labels[rng.choice(np.flatnonzero(whole)), :4]
        margins = rng.uniform(-0.03, 0.25, 4) * (bottom - top)
        x1, y1, x2, y2 = np.clip([left, top, SIDE - right, SIDE - bottom] - margins, 0, None)
    x1, y1, x2, y2 = np.rint([x1, y1, x2, y2]).astype(int)
    inside = image[y1 : SIDE - y2, x1 : SIDE - x2]
    edge = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]])
    image = cv2.copyMakeBorder(inside, y1, y2, x1, x2, cv2.BORDER_CONSTANT, value=int(np.median(edge)))
    kept = np.clip(labels[:, :4], [x1, y1] * 2, [SIDE - x2, SIDE - y2] * 2)
    left = (kept[:, 2:] - kept[:, :2]).prod(1) / np.maximum((labels[:, 2:4] - labels[:, :2]).prod(1), 1e-3)
    labels = labels[left > 0].copy()
    labels[left[left > 0] < 0.85, 4] = UNSURE  # cut off
    return image, labels


def draw_maps(maps: np.ndarray, labels: np.ndarray) -> None:
    """Draw what the network should say of labels, float (N, 7), into maps of zeros: see networks.pages.loss."""
    classes = len(CLASSES)
    rows, columns = maps.shape[:2]
    counts, marked = maps[..., -2], maps[..., -1]
    counts[:] = 1
    for x1, y1, x2, y2, kind, height, printed in labels.tolist():
        cx, cy, w, h = (x1 + x2) / 2 / STRIDE, (y1 + y2) / 2 / STRIDE, x2 - x1, y2 - y1
        x, y = int(np.floor(cx)), int(np.floor(cy))
        if height > HUGE or x2 <= 0 or y2 <= 0 or x1 >= columns * STRIDE or y1 >= rows * STRIDE:
            continue
        inside = 0 <= x < columns and 0 <= y < rows
        if height > HIGHEST and kind != UNSURE and inside:  # its parts are no digits
            counts[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3] = 0
            continue
        if height < LOWEST or kind == UNSURE or not inside:
            left, right = max(0, int(x1 / STRIDE)), int(x2 / STRIDE) + 1
            counts[max(0, int(y1 / STRIDE)) : int(y2 / STRIDE) + 1, left:right] = 0
            continue
        across, down = max(0.55, min(max(w, 0.3 * h), h) / STRIDE / 6.5), max(0.55, h / STRIDE / 6.5)
        reach = int(3 * max(across, down)) + 1
        left, right = max(0, x - reach), min(columns, x + reach + 1)
        top, bottom = max(0, y - reach), min(rows, y + reach + 1)
        spread = np.outer(
            np.exp(-((np.arange(top, bottom) - y) ** 2) / (2 * down * down)),
            np.exp(-((np.arange(left, right) - x) ** 2) / (2 * across * across)),
        )
        window = maps[top:bottom, left:right, int(kind)]
        np.maximum(window, spread, out=window)
        maps[y, x, int(kind)] = 1
        maps[y, x, classes : classes + BOX] = np.log(max(w, 1) / 16), np.log(max(h, 1) / 16), cx - x, cy - y
        maps[y, x, classes + BOX] = printed
        marked[y, x] = 1
