"""A model is finished or not there, wherever a program is killed."""

import os
import shutil
from functools import partial, partialmethod
from itertools import count
from pathlib import Path

import pytest
from model_copies import FILES, contents, copy_model, untrained

from recognition.models import cards, store


@pytest.fixture
def folder(tmp_path) -> Path:
    return copy_model(tmp_path)


@pytest.fixture(scope="module")
def staged(tmp_path_factory) -> Path:
    """Return the files of a new model, called digits, that are not in place yet."""
    card = cards.read_card("digits") | {"threshold": 0.123}
    folder = tmp_path_factory.mktemp("new")
    with store.staged(untrained(len(card["class_names"])), card, "digits", folder) as staging:
        return Path(shutil.copytree(staging, folder / "copy"))


def put_into(folder: Path, staged: Path) -> Path:
    return Path(shutil.copytree(staged, folder / ".digits.a.partial"))


def kill_at(monkeypatch, step: int) -> None:
    """Let a program end at its n-th move of a file or folder, before that is done."""
    moves = count()

    def killed(move, *paths):
        if next(moves) == step:
            raise KeyboardInterrupt
        return move(*paths)

    monkeypatch.setattr(os, "replace", partial(killed, os.replace))
    monkeypatch.setattr(Path, "rename", partialmethod(lambda self, to, move: killed(move, self, to), move=Path.rename))


def test_a_kill_leaves_the_old_model_or_the_new_one(folder, staged, tmp_path, monkeypatch, capsys):
    """Killed at each of its moves: three files get their names, the folder is marked as finished, three move."""
    new, seen = {path.name: path.read_bytes() for path in staged.iterdir()}, []
    for step in range(8):
        place = Path(shutil.copytree(folder, tmp_path / str(step)))
        old, staging = contents(place), put_into(place, staged)
        with monkeypatch.context() as patched:
            kill_at(patched, step)
            if step < 7:
                with pytest.raises(KeyboardInterrupt):
                    store.install(staging, "digits", place)
            else:
                store.install(staging, "digits", place)
        threshold = store.load("digits", place).card["threshold"]
        seen.append(threshold)
        files = {path.name: path.read_bytes() for path in place.iterdir() if path.is_file()}
        assert files == (new if threshold == 0.123 else old)
    assert capsys.readouterr().err == ""  # nothing had to be rebuilt
    assert seen == [cards.read_card("digits").get("threshold")] * 4 + [0.123] * 4


def test_what_a_kill_left_is_cleared_by_the_next_training(folder, staged):
    left = put_into(folder, staged)
    os.utime(left, (0, 0))
    card = cards.read_card("digits", folder)
    store.save(untrained(len(card["class_names"])), card | {"threshold": 0.5}, "digits", folder)
    assert sorted(contents(folder)) == sorted(FILES)
    assert store.load("digits", folder).card["threshold"] == 0.5
