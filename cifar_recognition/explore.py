"""Look at the data and at the smallest network: what CIFAR-10 shows, and how three layers learn to bend a line.

    python cifar_recognition/explore.py                                    # figures into output/explore, and shown
    python cifar_recognition/explore.py --part layers_demo                 # the smallest network alone, no dataset
    python cifar_recognition/explore.py --part layers_demo --problem ring  # another problem: moons, ring, cross
    python cifar_recognition/explore.py --part dataset --seed 7            # other samples

Reads data/cifar10.npz (downloaded if absent). Writes counts.png, samples.png, means.png and layers_demo.png.
Exit code: 0 all figures were made, 1 some could not be made (the others were), 2 wrong usage.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from recognition import files, settings
from recognition.evaluation import plots
from recognition.evaluation.sheets import save_sheet
from recognition.objects.classes import CIFAR10
from recognition.training import datasets


@dataclass
class Config:
    output: Path = Path("output/explore")  # folder for the figures
    part: Literal["all", "dataset", "layers_demo"] = "all"  # what CIFAR-10 shows, how layers learn, or both
    problem: Literal["moons", "ring", "cross"] = "moons"  # layers_demo: how the two kinds of points lie
    epochs: int = 150  # layers_demo: times through the points
    learning_rate: float = 0.03  # layers_demo: lower it if the boundary jumps
    seed: int = 0  # another number picks other samples, and lets the smallest network begin elsewhere
    show: bool = True  # open the figures where there is a display; --no-show only saves them


POINTS = 200
LIMIT = 1.6  # the points lie between -LIMIT and LIMIT
PANELS = 6  # the boundary is drawn so many times
COLORS = (plots.BLUE, plots.ORANGE)


def plot_means(images: np.ndarray, labels: np.ndarray, path: Path) -> None:
    """Save, for every class, the mean of its images and how much each pixel's brightness differs from image to image.

    RGB uint8 (N, 32, 32, 3). A mean that shows something is what a network of one dense layer can find.
    """
    figure = Figure(figsize=(12, 2.75), layout="constrained")
    grid = figure.subplots(2, len(CIFAR10))
    for k, name in enumerate(CIFAR10):
        own = images[labels == k]
        grid[0, k].imshow(own.mean(0) / 255)
        drawn = grid[1, k].imshow(own.mean(3).std(0), cmap="viridis", vmin=40, vmax=80)
        grid[0, k].set_title(name, fontsize=11)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[], frame_on=False)
    for axes, name in zip(grid[:, 0], ("mean", "spread of\nbrightness"), strict=True):
        axes.set_ylabel(name, rotation=0, ha="right", va="center")
    figure.colorbar(drawn, ax=grid[1], label="grey levels", extend="both")
    plots.save_figure(figure, path)


def plot_dataset(folder: Path, rng: np.random.Generator) -> list[Path]:
    """Save the figures that need CIFAR-10; return their files."""
    x_train, y_train, _, y_test = datasets.load_cifar10()
    paths = [folder / f"{name}.png" for name in ("counts", "samples", "means")]
    plots.plot_counts({"training part": y_train, "test part": y_test}, CIFAR10, paths[0])
    by_class = [rng.choice(np.flatnonzero(y_train == k), 8, replace=False) for k in range(len(CIFAR10))]
    shown = np.stack(by_class, 1).ravel()  # a column a class
    titles = [*CIFAR10, *[""] * (len(shown) - len(CIFAR10))]
    save_sheet(x_train[shown][..., ::-1], titles, paths[1], columns=len(CIFAR10))
    plot_means(x_train, y_train, paths[2])
    return paths


def make_points(problem: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return points, float32 (N, 2), and which of two kinds each is, float32 (N, 1): no straight line parts them."""
    kind = np.arange(POINTS) % 2
    if problem == "moons":  # two half circles, each reaching into the other
        angle = rng.uniform(0, np.pi, POINTS)
        points = np.stack([np.cos(angle), np.sin(angle)], 1) * np.where(kind, -1, 1)[:, None]
        points = 0.8 * (points + np.where(kind[:, None], (0.5, 0.25), (-0.5, -0.25)))
    elif problem == "ring":  # one kind around the other
        angle, radius = rng.uniform(0, 2 * np.pi, POINTS), np.where(kind, 1.2, 0.4)
        points = np.stack([np.cos(angle), np.sin(angle)], 1) * radius[:, None]
    else:  # each kind in two opposite corners: "exclusive or"
        sign = rng.choice((-1, 1), POINTS)
        points = np.stack([sign, sign * np.where(kind, -1, 1)], 1) * 0.75
    points += rng.normal(0, 0.1 if problem == "moons" else 0.17, points.shape)
    return points.astype(np.float32), kind[:, None].astype(np.float32)


def smallest_network(learning_rate: float):
    """Return a Keras network of three dense layers: 2 numbers in, 3 neurons, 3 neurons, 1 number out."""
    from recognition.networks.backend import keras, layers

    wide = keras.initializers.RandomNormal(stddev=1.0)  # Keras's own weights are smaller: three lines stay one for long
    inputs = keras.Input((2,))
    # Each neuron: on which side of a straight line is the point?
    x = layers.Dense(3, activation="tanh", kernel_initializer=wide)(inputs)
    # Each neuron joins three such answers to a bent line
    x = layers.Dense(3, activation="tanh", kernel_initializer=wide)(x)
    outputs = layers.Dense(1, activation="sigmoid")(x)  # the probability of the second kind
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(learning_rate), "binary_crossentropy")
    return model


def draw_map(axes: Axes, values: np.ndarray, low: float, points: np.ndarray, kind: np.ndarray, title: str) -> None:
    """Draw what a neuron says of every place, float (H, W) from `low` to 1, its boundary, and the points."""
    extent = (-LIMIT, LIMIT, -LIMIT, LIMIT)
    axes.imshow(values, cmap="RdBu_r", vmin=low, vmax=1, extent=extent, origin="lower", alpha=0.6)
    axes.contour(values, [(low + 1) / 2], colors="black", extent=extent, linewidths=1.5)
    axes.scatter(*points.T, c=kind[:, 0], cmap=ListedColormap(COLORS), s=4)
    axes.set(xticks=[], yticks=[], frame_on=False)
    axes.set_title(title, fontsize=10)


def plot_layers_demo(config: Config, path: Path) -> None:
    """Train the smallest network; save its decision boundary as it learns, and what each of its neurons then says."""
    from recognition.networks.backend import keras

    points, kind = make_points(config.problem, np.random.default_rng(config.seed))
    keras.utils.set_random_seed(config.seed)
    model = smallest_network(config.learning_rate)
    line = np.linspace(-LIMIT, LIMIT, 120, dtype=np.float32)
    places = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    figure = Figure(figsize=(2 * PANELS, 5), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(1.2, 1))
    above.suptitle(f"2 → 3 → 3 → 1, {model.count_params()} weights: where it draws the boundary")
    stops = np.unique((config.epochs * np.linspace(0, 1, PANELS) ** 2).round().astype(int))  # ever further apart
    for axes, start, stop in zip(above.subplots(1, len(stops)), [0, *stops], stops, strict=False):
        model.fit(points, kind, batch_size=20, initial_epoch=start, epochs=stop, verbose=0)
        right = ((model(points).numpy() > 0.5) == kind).mean()
        title = f"after {stop} epochs\n{right:.0%} right" if stop else f"at the start\n{right:.0%} right"
        draw_map(axes, model(places).numpy().reshape(120, 120), 0, points, kind, title)
    settings.say(f"{config.problem}: {right:.1%} of {len(points)} points right after {stop} epochs")
    below.suptitle("what each neuron says in the end: three straight lines, three bent ones, their sum")
    taps = keras.Model(model.input, [layer.output for layer in model.layers[1:]])
    neurons = [(k, values) for k, layer in enumerate(taps(places)) for values in layer.numpy().T]
    for axes, (layer, values) in zip(below.subplots(1, len(neurons)), neurons, strict=True):
        name = ("first layer", "second layer", "output")[layer]
        draw_map(axes, values.reshape(120, 120), 0 if name == "output" else -1, points, kind, name)
    plots.save_figure(figure, path)


def main(config: Config) -> int:
    settings.check_range(config, 1, 100_000, "epochs")
    settings.check_range(config, 0, 10, "learning_rate")
    files.make_folder(config.output)
    paths, failed = [], False
    if config.part != "layers_demo":
        try:
            paths += plot_dataset(config.output, np.random.default_rng(config.seed))
        except settings.UserError as error:
            if config.part == "dataset":
                raise
            settings.say(f"error: {error}")
            settings.say("without the dataset only layers_demo.png is made")
            failed = True
    if config.part != "dataset":
        paths.append(config.output / "layers_demo.png")
        plot_layers_demo(config, paths[-1])
    if config.show:
        plots.show(paths)
    return int(failed)


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
