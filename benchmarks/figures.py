"""Draw the pictures of docs/networks.md that explain the layers of the digit network, one a layer, into docs/.

    python benchmarks/figures.py                  # after every training of models/digits.*
    python benchmarks/figures.py --output /tmp/x  # look before replacing the committed ones

Reads models/digits.*; recognition/synthetic/handwriting.py writes the digits: no dataset is needed, none published.
Writes convolution.png, relu.png, max_pooling.png, dropout.png, dense.png and softmax.png, all with the network's own
weights. Its batch normalisation, which only brings the maps to a common scale, is left out between the first three.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from recognition import files, settings
from recognition.digits import normalisation
from recognition.evaluation import plots
from recognition.models import cards
from recognition.models.weights import load_weights
from recognition.synthetic import handwriting

WIDTH = 6.7  # inches: 1,005 pixels at 150 dpi
SIGNED = "RdBu_r"  # negative blue, 0 white, positive red
SIZE = 10  # points: readable at half size, too


@dataclass
class Config:
    output: Path = files.ROOT / "docs"  # folder for the pictures
    seed: int = 3  # another number writes another digit


def write_digit(digit: int, rng: np.random.Generator) -> np.ndarray:
    """Return a digit in a steady hand, float32 (28, 28), 0 paper to 1 ink, as the network scales it."""
    return normalisation.draw_strokes(handwriting.write(str(digit), rng, wobble=0.4)).astype(np.float32) / 255


def choose_kernel(kernels: np.ndarray) -> np.ndarray:
    """Return of kernels (3, 3, N) the one most like a detector of upright edges: its map explains itself."""
    sobel = np.float32([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    centred = kernels - kernels.mean((0, 1))
    likeness = np.einsum("yxn,yx->n", centred, sobel) / np.linalg.norm(centred, axis=(0, 1))
    return kernels[:, :, np.abs(likeness).argmax()]


def panels(widths: tuple[float, ...], height: float) -> tuple[Figure, list[Axes]]:
    """Return a figure, `height` inches high, and its panels side by side, without ticks."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = list(figure.subplots(1, len(widths), width_ratios=widths))
    for panel in axes:
        panel.set(xticks=[], yticks=[])
    return figure, axes


def draw_map(axes: Axes, values: np.ndarray, title: str, cmap: str, low: float, high: float) -> None:
    """Draw a map, float (H, W), as an image between two values."""
    axes.imshow(values, cmap=cmap, vmin=low, vmax=high)
    axes.set_title(title, fontsize=SIZE)
    axes.set_frame_on(False)


def draw_values(axes: Axes, values: np.ndarray, title: str, cmap: str, low: float, high: float) -> None:
    """Draw a small map, float (H, W), as cells with their numbers."""
    style = {"annot": True, "fmt": ".1f", "annot_kws": {"fontsize": SIZE}, "linewidths": 1, "linecolor": "0.8"}
    seaborn.heatmap(values, cmap=cmap, vmin=low, vmax=high, square=True, cbar=False, ax=axes, **style)
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=SIZE)


def mark(axes: Axes, x: float, y: float, side: float, width: float = 2) -> None:
    """Draw an orange square whose upper left corner is pixel x, y."""
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), side, side, fill=False, edgecolor=plots.ORANGE, linewidth=width))


def draw_sign(axes: Axes, text: str) -> None:
    """Draw a sign between two panels."""
    axes.axis("off")
    axes.text(0.5, 0.5, text, fontsize=18, ha="center", va="center", transform=axes.transAxes)


def draw_convolution(digit: np.ndarray, kernel: np.ndarray, found: np.ndarray, path: Path) -> None:
    """Save how a 3x3 kernel makes one pixel of its map, float (26, 26), of 9 pixels of the digit, float (28, 28)."""
    figure, axes = panels((10, 7, 1, 7, 1, 10), 2.1)
    y, x = np.unravel_index(found.argmax(), found.shape)
    draw_map(axes[0], digit, "input, 28x28", "gray", 0, 1)
    mark(axes[0], x, y, 3)
    draw_values(axes[1], digit[y : y + 3, x : x + 3], "9 pixels", "gray", 0, 1)
    draw_sign(axes[2], "\N{MULTIPLICATION SIGN}")
    draw_values(axes[3], kernel, "kernel (learnt)", SIGNED, -1, 1)
    draw_sign(axes[4], "=")
    draw_map(axes[5], found, "map, 26x26", SIGNED, -found.max(), found.max())
    mark(axes[5], x, y, 1)
    axes[5].set_xlabel(f"sum of 9 products: {found[y, x]:.1f}", fontsize=SIZE, color=plots.ORANGE)
    plots.save_figure(figure, path)


def draw_relu(found: np.ndarray, path: Path) -> None:
    """Save what ReLU does to a map, float (H, W)."""
    figure, axes = panels((10, 9, 10), 2.3)
    limit = np.abs(found).max()
    draw_map(axes[0], found, "before: red +, blue -", SIGNED, -limit, limit)
    x = np.linspace(-limit, limit, 101)
    axes[1].plot(x, np.maximum(x, 0), color=plots.ORANGE, linewidth=3)
    axes[1].grid(alpha=0.4)
    axes[1].xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes[1].yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes[1].tick_params(labelsize=SIZE)
    axes[1].set_title("ReLU: max(0, value)", fontsize=SIZE)
    axes[1].set_xlabel("value before", fontsize=SIZE)
    axes[1].set_ylabel("value after", fontsize=SIZE)
    draw_map(axes[2], np.maximum(found, 0), "after: nothing below 0", SIGNED, -limit, limit)
    plots.save_figure(figure, path)


def draw_pooling(found: np.ndarray, path: Path) -> None:
    """Save how 2x2 max-pooling halves a map, float (26, 26): the strongest of four stays."""
    figure, axes = panels((10, 9, 1, 6, 10), 2.1)
    pooled = found.reshape(13, 2, 13, 2).max((1, 3))
    y, x = np.minimum(np.unravel_index(pooled.argmax(), pooled.shape), 11)
    crop, high = found[2 * y : 2 * y + 4, 2 * x : 2 * x + 4], found.max()
    draw_map(axes[0], found, "map, 26x26", "Blues", 0, high)
    mark(axes[0], 2 * x, 2 * y, 4)
    draw_values(axes[1], crop, "its 4x4 pixels", "Blues", 0, high)
    for top in (0, 2):
        for left in (0, 2):
            row, column = np.unravel_index(crop[top : top + 2, left : left + 2].argmax(), (2, 2))
            axes[1].add_patch(Rectangle((left, top), 2, 2, fill=False, edgecolor="black", linewidth=2))
            mark(axes[1], left + column + 0.58, top + row + 0.58, 0.84, 2.5)
    draw_sign(axes[2], "→")
    draw_values(axes[3], pooled[y : y + 2, x : x + 2], "maxima", "Blues", 0, high)
    draw_map(axes[4], pooled, "pooled, 13x13", "Blues", 0, high)
    mark(axes[4], x, y, 2)
    plots.save_figure(figure, path)


def draw_dropout(features: np.ndarray, rate: float, rng: np.random.Generator, path: Path) -> None:
    """Save what dropout does to 64 features, float (N,), in two steps of training, and that reading uses them all."""
    figure, axes = panels((1, 1, 1, 1), 2.0)
    strongest = np.sort(np.argsort(-features)[:64])
    values, high = features[strongest].reshape(8, 8), features.max() / (1 - rate)
    draw_map(axes[0], values, "64 features", "Blues", 0, high)
    for step, panel in enumerate(axes[1:3], 1):
        dropped = rng.random((8, 8)) < rate
        draw_map(panel, np.where(dropped, 0, values / (1 - rate)), f"training, step {step}", "Blues", 0, high)
        panel.plot(*np.nonzero(dropped)[::-1], "x", color=plots.ORANGE, markersize=8, markeredgewidth=2)
    axes[1].set_xlabel(f"x: {rate:.0%} dropped", fontsize=SIZE)
    axes[2].set_xlabel(f"others: value / {1 - rate:g}", fontsize=SIZE)
    draw_map(axes[3], values, "reading", "Blues", 0, high)
    axes[3].set_xlabel("all are used", fontsize=SIZE)
    plots.save_figure(figure, path)


def draw_dense(features: np.ndarray, kernel: np.ndarray, bias: np.ndarray, names: list[str], path: Path) -> None:
    """Save how features (N,) times weights (N, C), summed up, plus bias (C,) give the scores of the classes."""
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    (above, empty), (middle, right) = figure.subplots(2, 2, width_ratios=(3, 1.3), height_ratios=(1, 3))
    empty.axis("off")
    products = features[:, None] * kernel
    telling = np.sort(np.argsort(-products.std(1))[:40])
    above.bar(np.arange(40) + 0.5, features[telling], color=plots.BLUE)
    above.set(xlim=(0, 40), xticks=[], yticks=[])
    above.set_title(f"the 40 most telling of {len(features):,} features", fontsize=SIZE)
    above.set_ylabel("value", fontsize=SIZE)
    limit = np.abs(products).max()
    seaborn.heatmap(products[telling].T, cmap=SIGNED, vmin=-limit, vmax=limit, cbar=False, ax=middle)
    middle.set(xticks=[])
    middle.set_ylabel("class", fontsize=SIZE)
    middle.set_yticks(np.arange(len(names)) + 0.5, names, rotation=0, fontsize=SIZE)
    middle.set_xlabel("value · weight (red +, blue -)", fontsize=SIZE)
    right.barh(np.arange(len(names)) + 0.5, features @ kernel + bias, color=plots.ORANGE)
    right.axvline(0, color="0.3", linewidth=1)
    right.set(ylim=middle.get_ylim(), yticks=[])
    right.tick_params(labelsize=SIZE)
    right.set_xlabel("score: sum of all + bias", fontsize=SIZE)
    plots.save_figure(figure, path)


def draw_softmax(image: np.ndarray, scores: np.ndarray, names: list[str], path: Path) -> None:
    """Save how softmax makes probabilities of the scores, float (C,), of an image, float (28, 28)."""
    figure, (left, middle, right) = panels((2, 3.4, 3), 2.9)
    draw_map(left, image, "a doubtful digit", "gray", 0, 1)
    exponentials = np.exp(scores - scores.max())
    probabilities = 100 * exponentials / exponentials.sum()
    places = np.arange(len(names))
    middle.barh(places, scores, color=plots.ORANGE)
    middle.axvline(0, color="0.3", linewidth=1)
    middle.set_yticks(places, names, fontsize=SIZE)
    middle.bar_label(middle.containers[0], fmt="%.1f", padding=2, fontsize=SIZE)
    middle.margins(x=0.25)
    middle.set_ylabel("class", fontsize=SIZE)
    middle.set_title("score s", fontsize=SIZE)
    bars = right.barh(places, probabilities, color=plots.BLUE)
    right.bar_label(
        bars, [f"{value:.0f} %" if value >= 0.5 else "" for value in probabilities], padding=2, fontsize=SIZE
    )
    right.set(xlim=(0, 125))
    right.set_title("probability: exp(s) / sum", fontsize=SIZE)
    for axes in (middle, right):
        axes.spines.bottom.set_visible(False)
        axes.invert_yaxis()
    plots.save_figure(figure, path)


def main(config: Config) -> None:
    from recognition.networks.backend import keras  # late: --help need not wait for it

    card = cards.read_card("digits")
    names = card["class_names"]
    path = cards.MODELS / "digits.weights.h5"
    network = load_weights(path, card["architecture"], len(names), f"run python {card.get('script')}")
    convolution = next(layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D))
    *_, dropout = (layer for layer in network.layers if isinstance(layer, keras.layers.Dropout))
    *_, dense = (layer for layer in network.layers if isinstance(layer, keras.layers.Dense))
    weights, bias = dense.get_weights()

    rng = np.random.default_rng(config.seed)
    digit = write_digit(5, rng)
    kernel = choose_kernel(convolution.get_weights()[0][:, :, 0])
    found = cv2.filter2D(digit, cv2.CV_32F, kernel)[1:-1, 1:-1]  # like Keras, OpenCV does not flip the kernel
    draw_convolution(digit, kernel, found, config.output / "convolution.png")
    draw_relu(found, config.output / "relu.png")
    draw_pooling(np.maximum(found, 0), config.output / "max_pooling.png")

    labels = np.arange(300) % 10
    written = [normalisation.draw_strokes(handwriting.write(str(label), rng)) for label in labels]
    written = np.stack([255 * digit, *written]).astype(np.float32)
    features = np.array(keras.Model(network.input, dense.input)(written[..., None]))
    draw_dropout(features[0], dropout.rate, rng, config.output / "dropout.png")
    draw_dense(features[0], weights, bias, names, config.output / "dense.png")
    scores = features @ weights + bias
    first, second = np.sort(scores)[:, -1:-3:-1].T
    right = np.append(False, scores[1:].argmax(1) == labels)
    doubtful = np.where(right, first - second, np.inf).argmin()
    draw_softmax(written[doubtful] / 255, scores[doubtful], names, config.output / "softmax.png")
    settings.say(f"figures: {config.output}")


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
