"""Figures: any name that a folder can have is drawn as it is."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from recognition.evaluation import plots
from recognition.faces.timeline import Span, draw_timeline
from recognition.media.lettering import fonts

NAMES = ["$a^$", "a_$b$", "$x", r"$\frac$", "_under", "ä\\"]


def test_names_with_dollar_signs_are_no_formulas(tmp_path, monkeypatch):
    drawn, save = [], plots.write_atomically
    monkeypatch.setattr(plots, "write_atomically", lambda path, writer: (drawn.append(path), save(path, writer)))
    plots.plot_confusion(np.arange(36).reshape(6, 6), NAMES, tmp_path / "confusion.png")
    plots.plot_counts({"$a^$": np.arange(6), "b": np.arange(6)}, NAMES, tmp_path / "counts.png")
    draw_timeline([Span(name, 0.0, 1.0, 3, 0.9) for name in NAMES], tmp_path / "timeline.png")
    figure = Figure()
    figure.subplots().plot([0, 1], label="$a^$")
    figure.axes[0].set_title("$b^$")
    figure.axes[0].legend()
    plots.save_figure(figure, tmp_path / "other.png")
    assert all(path.stat().st_size > 1000 for path in drawn) and len(drawn) == 4


@pytest.mark.parametrize("name", ["नेहा", "สมชาย", "李雷", "שרה", "Ωμέγα"])
def test_names_in_any_script_have_their_letters(tmp_path, name):
    if any(fonts.find(letter) is None for letter in name):
        pytest.skip(f"no font with the letters of {name} here")
    figure = Figure()
    figure.subplots().set_title(name)
    plots.save_figure(figure, tmp_path / "a.png")
    with warnings.catch_warnings(record=True) as told:  # Matplotlib says which letters its fonts lack
        warnings.simplefilter("always")
        figure.savefig(tmp_path / "b.png")
    assert not [str(one.message) for one in told if "missing" in str(one.message)]


@pytest.mark.parametrize("scale", ["log", "symlog"])
def test_powers_of_ten_stay_formulas(tmp_path, scale):
    figure = Figure()
    figure.subplots().plot([1, 1000])
    figure.axes[0].set_yscale(scale)
    plots.save_figure(figure, tmp_path / "a.png")
    powers = [text for text in figure.findobj(Text) if "10^" in text.get_text()]
    assert powers and all(text.get_parse_math() for text in powers)


def test_of_very_many_classes_some_names_stand_and_without_errors_there_is_no_scale(monkeypatch):
    figures = []
    monkeypatch.setattr(plots, "save_figure", lambda figure, path: figures.append(figure))
    plots.plot_confusion(np.eye(300, dtype=int)[::-1], [f"class {k}" for k in range(300)], Path("crowd.png"))
    plots.plot_confusion(np.diag([5, 7]), ["apple", "banana"], Path("right.png"))
    names = [label.get_text() for label in figures[0].axes[0].get_yticklabels()]
    assert names[:2] == ["class 0", "class 2"] and len(names) == 150
    assert [len(figure.axes) for figure in figures] == [2, 1]
