"""Look at the data and into the network: what digits there are, what normalising does to them, what each layer sees.

    python digit_recognition/explore.py                    # figures into output/explore, shown where there is a display
    python digit_recognition/explore.py --index 7          # another test image through the network
    python digit_recognition/explore.py --output pictures --no-show

Reads data/mnist.npz (downloaded if absent) and models/digits.*. Writes counts.png, samples.png, statistics.png,
normalising.png and layers.png. Without the dataset only layers.png is made, from a digit that the computer writes.
Exit code: 0 all figures were made, 1 some could not be made (the others were), 2 wrong usage.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import seaborn
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from recognition import files, settings
from recognition.digits import normalisation
from recognition.evaluation import plots
from recognition.evaluation.sheets import save_sheet
from recognition.models import cards
from recognition.models.weights import load_weights
from recognition.training import augment_digits, datasets


@dataclass
class Config:
    output: Path = Path("output/explore")  # folder for the figures
    model: str = "digits"  # name of a model in models/
    index: int = 0  # test image, 0 to 9999, that goes through the network
    seed: int = 0  # another number picks other samples
    show: bool = True  # open the figures where there is a display; --no-show only saves them


PAGE = 140  # pixels: side of the paper on which digits are found


def put_on_page(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a digit, uint8 (28, 28), as a photo may hold it, uint8 (140, 140): anywhere, any size, thin or thick."""
    side = int(rng.integers(30, 130))
    ink = cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC)
    pen = np.ones((side // 18 + 1, side // 18 + 1), np.uint8)
    ink = (ink, cv2.erode(ink, pen), cv2.dilate(ink, pen))[rng.integers(3)]
    x, y = rng.integers(0, PAGE - side + 1, 2)
    page = np.zeros((PAGE, PAGE), np.uint8)
    page[y : y + side, x : x + side] = ink
    return page


def centre_of_mass(image: np.ndarray) -> np.ndarray:
    """Return where a gray image's ink balances, float (2,): x y in pixels, counted from 0 as MNIST's middle, 14, is."""
    moments = cv2.moments(image)
    return np.array([moments["m10"], moments["m01"]]) / max(moments["m00"], 1)


def plot_statistics(images: np.ndarray, pages: np.ndarray, normalised: np.ndarray, path: Path) -> None:
    """Save the distribution of pixel values and where the ink's centre lies before and after normalising."""
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    values, counts = np.arange(256), np.bincount(images.ravel(), minlength=256)
    mean = np.average(values, weights=counts)
    deviation = np.average((values - mean) ** 2, weights=counts) ** 0.5
    seaborn.histplot(x=values, weights=counts, bins=32, binrange=(0, 256), color=plots.BLUE, ax=left)
    left.set(yscale="log", xlabel="pixel value as stored (0 paper, 255 ink)", ylabel="pixels", xlim=(0, 256))
    left.set_title(f"mean {mean:.1f} ± {deviation:.1f}, scaled {mean / 255:.3f} ± {deviation / 255:.3f}", fontsize=11)
    scaled = left.secondary_xaxis("top", functions=(lambda value: value / 255, lambda value: value * 255))
    scaled.set_xlabel("after the network's first layer: value / 255")
    for name, found, color, marker in (
        ("found", pages, plots.ORANGE, "x"),
        ("normalised", normalised, plots.BLUE, "o"),
    ):
        x, y = np.array([centre_of_mass(image) / len(image) for image in found]).T * 100
        right.scatter(x, y, s=16, color=color, marker=marker, linewidth=1, label=f"{name} (x ± {x.std():.1f} %)")
    right.set(xlim=(0, 100), ylim=(100, 0), aspect="equal", ylabel="y in % of the image")
    right.set_xlabel(f"centre of mass of {len(pages)} digits, x in % of the image")
    right.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False, columnspacing=1, handletextpad=0)
    plots.save_figure(figure, path)


def plot_normalising(pages: np.ndarray, normalised: np.ndarray, labels: np.ndarray, path: Path) -> None:
    """Save, for every digit, one example and the mean of all before and after normalising."""
    figure = Figure(figsize=(11, 5), layout="constrained")
    grid = figure.subplots(4, 10)
    for digit in range(10):
        own = np.flatnonzero(labels == digit)
        means = pages[own].mean(0), normalised[own].mean(0)
        for axes, image in zip(grid[:, digit], (pages[own[0]], normalised[own[0]], *means), strict=True):
            axes.imshow(image, cmap="gray")
            axes.set(xticks=[], yticks=[], frame_on=False)
        for axes, image in zip(grid[:2, digit], (pages[own[0]], normalised[own[0]]), strict=True):
            x, y, width, height = cv2.boundingRect((image > 64).astype(np.uint8))
            axes.add_patch(Rectangle((x - 0.5, y - 0.5), width, height, fill=False, color=plots.ORANGE))
            axes.plot(*centre_of_mass(image), "+", color="#56b4e9", markersize=10, mew=2)
    names = ("found", "normalised", "mean found", "mean\nnormalised")
    for axes, name in zip(grid[:, 0], names, strict=True):
        axes.set_ylabel(name, rotation=0, ha="right", va="center")
    figure.suptitle("normalising: one size (orange box), centre of mass (blue cross) in the middle, no hairlines")
    plots.save_figure(figure, path)


def plot_layers(image: np.ndarray, model, class_names: list[str], path: Path) -> None:
    """Save what convolutions and poolings make of one image, uint8 (28, 28), 16 maps of each, and the probabilities."""
    from recognition.networks.backend import keras

    relu, pooling = keras.activations.relu, keras.layers.MaxPooling2D
    seen = [layer for layer in model.layers if getattr(layer, "activation", 0) is relu or isinstance(layer, pooling)]
    seen = [layer for layer in seen if len(layer.output.shape) == 4]
    taps = keras.Model(model.input, [*(layer.output for layer in seen), model.output])
    *maps, probabilities = (np.array(value)[0] for value in taps(image[None, ..., None].astype(np.float32)))
    figure = Figure(figsize=(12, 3 + 0.78 * len(seen)), layout="constrained")
    top, below = figure.subfigures(2, 1, height_ratios=(2.6, 0.4 + 0.78 * len(seen)))
    left, right = top.subplots(1, 2, width_ratios=(1, 4))
    left.imshow(image, cmap="gray", vmin=0, vmax=255)
    left.set(xticks=[], yticks=[], title="input, 28x28")
    bars = right.bar([name.replace(" ", "\n") for name in class_names], 100 * probabilities, color=plots.BLUE)
    right.bar_label(bars, [f"{100 * value:.1f}" if value >= 0.001 else "" for value in probabilities])
    right.set(ylim=(0, 115), yticks=(0, 50, 100), xlabel="class", ylabel="probability in %")
    below.suptitle("what it becomes: the first 16 maps after each layer (dark: 0, bright: the layer's highest value)")
    for axes, layer, values in zip(np.ravel(below.subplots(len(seen), 1)), seen, maps, strict=True):
        height, width, channels = values.shape
        tiles = np.pad(values[:, :, :16], ((0, 0), (0, max(1, width // 12)), (0, 0)), constant_values=np.nan)
        axes.imshow(tiles.transpose(0, 2, 1).reshape(height, -1), cmap="viridis", vmin=0, interpolation="nearest")
        axes.set(xticks=[], yticks=[], frame_on=False)
        name = "max-pooling" if isinstance(layer, pooling) else "convolution\n+ ReLU"
        axes.set_ylabel(f"{name}\n{channels} maps {height}x{width}", rotation=0, ha="right", va="center", fontsize=10)
    plots.save_figure(figure, path)


def plot_dataset(folder: Path, rng: np.random.Generator) -> tuple[list[Path], np.ndarray]:
    """Save the figures that need MNIST; return their files and the test images, uint8 (N, 28, 28)."""
    x_train, y_train, x_test, y_test = datasets.load_mnist()
    paths = [folder / f"{name}.png" for name in ("counts", "samples", "statistics", "normalising")]
    plots.plot_counts({"training part": y_train, "test part": y_test}, list("0123456789"), paths[0])
    chosen = np.stack([rng.choice(np.flatnonzero(y_train == digit), 60, replace=False) for digit in range(10)])
    shown = chosen[:, :12].ravel()
    save_sheet(x_train[shown], [str(label) for label in y_train[shown]], paths[1], columns=12)
    labels = y_train[chosen.ravel()]
    pages = np.stack([put_on_page(image, rng) for image in x_train[chosen.ravel()]])
    normalised = np.stack([normalisation.normalise(page) for page in pages])
    plot_statistics(x_train, pages, normalised, paths[2])
    plot_normalising(pages, normalised, labels, paths[3])
    return paths, x_test


def main(config: Config) -> int:
    files.make_folder(config.output)
    rng = np.random.default_rng(config.seed)
    paths, failed = [], False
    try:
        paths, images = plot_dataset(config.output, rng)
    except settings.UserError as error:
        settings.say(f"error: {error}")
        settings.say("without the dataset only layers.png is made, from a digit that the computer writes")
        images, failed = augment_digits.written_digits(1, rng)[0], True
    if not failed and not 0 <= config.index < len(images):
        raise settings.UserError(f"--index {config.index}: there are test images 0 to {len(images) - 1}", 2)
    card = cards.read_card(config.model)
    weights, class_names = cards.card_path(config.model).with_suffix(".weights.h5"), card["class_names"]
    model = load_weights(weights, card["architecture"], len(class_names), f"run python {card.get('script')}")
    if model.input_shape[1:] != (28, 28, 1):
        raise settings.UserError(f"--model {config.model} reads images of shape {model.input_shape[1:]}, not digits", 2)
    paths.append(config.output / "layers.png")
    plot_layers(images[0 if failed else config.index], model, class_names, paths[-1])
    if config.show:
        plots.show(paths)
    return int(failed)


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
