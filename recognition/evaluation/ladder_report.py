"""The table and the picture of the ladder: five networks, each with one idea more, from the cards of their models."""

import json
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, PercentFormatter

from recognition.evaluation.plots import BLUE, ORANGE, save_figure
from recognition.settings import say

IDEAS = {
    "dense": "every pixel votes",
    "conv": "3x3 windows, the same everywhere",
    "conv_pool": "full resolution, the strongest of 2x2",
    "cnn": "two convolutions a block, dropout",
    "fast": "whitened patches, residual blocks, batch normalisation, Muon, varied images, label smoothing, a schedule",
}


def table(cards: list[dict]) -> str:
    """Return a Markdown table of networks, in the order of their cards, and below it where they were trained."""
    lines = [
        "| architecture | adds | parameters | epochs | seconds | test accuracy | with mirror images |",
        "|-|-|-|-|-|-|-|",
    ]
    for card in cards:
        name, measured = card["architecture"], card["measured"]
        lines.append(
            f"| `{name}` | {IDEAS[name]} | {card['parameters']:,} | {card['settings']['epochs']} | "
            f"{card['seconds']:,.0f} | {measured['test_accuracy_plain']:.2%} | {measured['test_accuracy']:.2%} |"
        )
    for card in {json.dumps([card["precision"], card["versions"]]): card for card in cards}.values():
        made = ", ".join(f"{key} {value}" for key, value in card["versions"].items() if key != "machine")
        lines.append(f"{card['versions']['machine']}, {card['precision']}, one run each; {made}")
    return "\n".join([*lines[: 2 + len(cards)], "", *lines[2 + len(cards) :]])


def plot(cards: list[dict], path: Path) -> None:
    """Save test accuracy against minutes of training, and against parameters, of networks in the order of their cards.

    Both are logarithmic: the last step takes sixty times as long as the first. Each card has architecture, seconds,
    parameters and measured.test_accuracy.
    """
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    accuracy = [card["measured"]["test_accuracy"] for card in cards]
    by_time, by_size = figure.subplots(1, 2, sharey=True)
    for axes, key, unit, label in (
        (by_time, "seconds", 60, "training in minutes"),
        (by_size, "parameters", 1e6, "parameters in millions"),
    ):
        values = [card[key] / unit for card in cards]
        axes.plot(values, accuracy, "--", color="0.7", zorder=1)
        axes.scatter(values, accuracy, color=[*[BLUE] * (len(cards) - 1), ORANGE], zorder=2)
        for card, x, y in zip(cards, values, accuracy, strict=True):
            name = axes.annotate(card["architecture"], (x, y), (9, 0), textcoords="offset points", va="center")
            name.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1})
        axes.set(xlabel=label, xscale="log", xlim=(0.7 * min(values), 2.5 * max(values)))
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.grid(alpha=0.4)
    by_time.set_ylabel("test accuracy, with mirror images")
    by_time.margins(y=0.1)
    by_time.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    save_figure(figure, path)
    say(f"picture: {path}")
