"""Figures of what was trained and measured: learning curves, confusion matrices, shares.

Figures are drawn without a window, so this works on servers too; `show` opens the files where there is a display.
Only training, evaluation and exploration import this module: Matplotlib and seaborn cost most of a second.
"""

import contextlib
import logging
import math
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import seaborn
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator, PercentFormatter

from recognition.files import write_atomically
from recognition.media.lettering import fonts
from recognition.media.windows import has_display
from recognition.settings import say

BLUE, ORANGE = "#0173b2", "#d55e00"  # told apart by the colour-blind, and in print by brightness
DPI = 150
CROWD = 200  # classes, up to which each has its name at a confusion matrix, and a frame around its cell
MANY = 25  # classes; more of them leave no room for the counts in a confusion matrix
LATIN = "\u024f"  # the last letter of what every font has
MATPLOTLIBS_OWN = "\\mathdefault"  # is in the powers of ten of its logarithmic axes

logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # it tells of weights that a font has not
seaborn.set_theme(style="ticks", palette="colorblind", rc={"axes.spines.right": False, "axes.spines.top": False})


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, moved into place when complete: a killed run leaves the old picture whole."""
    for text in figure.findobj(Text):
        if "$" in text.get_text() and MATPLOTLIBS_OWN not in text.get_text():
            text.set_parse_math(False)  # a name with two dollar signs is no formula
        if not text.get_text().isascii():
            text.set_fontfamily([*text.get_fontfamily(), *_families(text.get_text())])
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings(action="ignore"):  # about letters that the font lacks
        write_atomically(path, lambda file: figure.savefig(file, dpi=DPI, format="png", metadata={"Software": None}))


def _families(text: str) -> list[str]:
    """Return the names of fonts of this system that have the letters of a text which Matplotlib's own may lack."""
    found = dict.fromkeys(fonts.find(letter) for letter in text if letter.isalpha() and letter > LATIN)
    families = []
    for path in filter(None, found):
        with contextlib.suppress(Exception):  # one of a kind that Matplotlib does not read
            font_manager.fontManager.addfont(path)
            families.append(font_manager.FontProperties(fname=path).get_name())
    return families


def plot_history(history: dict[str, list[float]], path: Path) -> None:
    """Save what there is by epoch, each list one number an epoch: accuracy, val_accuracy, loss, val_loss."""
    labels = {"accuracy": "accuracy", "loss": "cross-entropy loss" if "accuracy" in history else "loss"}
    labels = {key: label for key, label in labels.items() if key in history}
    figure = Figure(figsize=(4.5 * len(labels), 4), layout="constrained")
    epochs = max((len(values) for values in history.values()), default=0)
    for axes, (key, label) in zip(figure.subplots(1, len(labels), squeeze=False)[0], labels.items(), strict=True):
        for prefix, name, style, color in (("", "training", "o--", BLUE), ("val_", "validation", "s-", ORANGE)):
            values = history.get(prefix + key, [])
            if values:
                axes.plot(range(1, len(values) + 1), values, style, color=color, markersize=4, label=name)
        axes.set(xlabel="epoch", ylabel=label, xlim=(0.5, epochs + 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(alpha=0.4)
        axes.legend()
        if key == "accuracy":
            axes.yaxis.set_major_formatter(PercentFormatter(1))
    save_figure(figure, path)


def plot_confusion(matrix: np.ndarray, class_names: list[str], path: Path) -> None:
    """Save a confusion matrix, counts (C, C), row = true, column = read: errors coloured, right answers grey."""
    classes = len(matrix)
    share = 100 * matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    right = np.eye(classes, dtype=bool)
    # The diagonal holds nearly all: coloured with the rest, it would leave every error the same pale shade
    most = max(float(share[~right].max(initial=0)), 0.1)
    side = np.clip(0.62 * classes + 2, 5.5, 14)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    text = np.where(matrix > 0, matrix.astype(str), "") if classes <= MANY else False
    common = {
        "annot": text,
        "fmt": "",
        "square": True,
        "linewidths": min(0.5, 15 / classes) if classes <= CROWD else 0,
        "linecolor": "0.8",
        "ax": axes,
    }
    bar = {"label": "share of the row's images read as this, in %", "shrink": 0.8}
    seaborn.heatmap(
        share, mask=right, cmap="Oranges", vmin=0, vmax=most, cbar=bool(share[~right].any()), cbar_kws=bar, **common
    )
    seaborn.heatmap(share, mask=~right, cmap=["0.85"], cbar=False, **common)
    axes.set(xlabel="read as", ylabel="true class")
    long = max(map(len, class_names)) > 3
    every = math.ceil(classes / CROWD)  # of more classes not all names have a line
    font = {"fontsize": min(10, 55 * side * every / classes)}  # points
    turned = {"rotation": 90 if classes > MANY else 45, "ha": "center" if classes > MANY else "right"}
    places, names = np.arange(0, classes, every) + 0.5, class_names[::every]
    axes.set_xticks(places, names, **font, **(turned if long else {"rotation": 0}))
    axes.set_yticks(places, names, **font, rotation=0)
    axes.set_title(f"{np.trace(matrix):,} of {matrix.sum():,} right ({np.trace(matrix) / max(matrix.sum(), 1):.2%})")
    save_figure(figure, path)


def plot_counts(parts: dict[str, np.ndarray], class_names: Sequence[str], path: Path) -> None:
    """Save how many images of each class every part of the dataset holds; labels int (N,) by the part's name."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, (name, labels) in zip(figure.subplots(1, len(parts)), parts.items(), strict=True):
        bars = axes.barh(range(len(class_names)), np.bincount(labels, minlength=len(class_names)), color=BLUE)
        axes.set_yticks(range(len(class_names)), class_names)
        axes.bar_label(bars, fmt="{:,.0f}", fontsize=9, padding=3)
        axes.invert_yaxis()  # the first class on top
        axes.set(title=f"{name}: {len(labels):,} images", xlabel="images", ylabel="class")
        axes.margins(x=0.12)
    save_figure(figure, path)


def plot_shares(x: np.ndarray, y: np.ndarray, labels: tuple[str, str], point: tuple[float, float], path: Path) -> None:
    """Save a curve of shares, float (N,), 0 to 1, both rising: what is found against what it costs, logarithmic.

    `point`: cost and what is found as things are set, marked by a dot.
    """
    most = np.append(np.diff(x) > 0, True)  # of what is found at the same cost: less is of no interest
    x, y = x[most], y[most]
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    least = min(0.5, np.min(x[x > 0], initial=1.0))
    low = min(0.9, y.min(), point[1])
    axes.plot(x, y, color=BLUE)
    label = f"as set: {point[1]:.2%} at {point[0]:.2%}"
    axes.plot(*point, "o", color=ORANGE, label=label, clip_on=False, zorder=3)
    axes.set_xscale("symlog", linthresh=least, linscale=0.5)  # a logarithmic axis, but with a place for 0
    axes.set(xlabel=labels[0], ylabel=labels[1], xlim=(0, 1), ylim=(low, 1.002))
    ticks = [0, *(10.0**k for k in range(math.ceil(math.log10(least)), 1))]
    axes.set_xticks(ticks, [f"{100 * tick:g}%" for tick in ticks])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    axes.grid(alpha=0.4)
    axes.legend(loc="lower right")
    save_figure(figure, path)


def show(paths: list[Path]) -> None:
    """Say where figures are and, where there is a display, open them in windows; q closes them all."""
    say("figures: " + ", ".join(map(str, paths)))
    if not paths or not has_display():
        return
    from matplotlib import pyplot  # only here: everything else must not depend on a window system

    if pyplot.get_backend().lower() == "agg":  # Matplotlib found no usable display or no window toolkit
        return
    for path in paths:
        image = pyplot.imread(path)
        figure = pyplot.figure(num=path.name, figsize=(image.shape[1] / DPI, image.shape[0] / DPI))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.imshow(image)
        axes.axis("off")
        figure.canvas.mpl_connect("key_press_event", lambda event: event.key in ("q", "escape") and pyplot.close("all"))
    pyplot.show()
