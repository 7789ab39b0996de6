"""Names and paths of models, and cards: what is in them, and what is no card."""

import json
from functools import partial
from pathlib import Path

import pytest
from model_copies import contents, copy_model, refusal

from recognition.models import cards, store
from recognition.settings import UserError


@pytest.fixture
def folder(tmp_path) -> Path:
    return copy_model(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "../digits",
        "/etc/digits",
        "sub/digits",
        "..",
        ".digits",
        "a\\b",
        "C:digits",
        "",
        "a.json",
        "a.weights.h5",
        "a" * 200,
    ],
)
def test_nothing_is_written_under_a_name_that_leads_elsewhere(folder, name):
    before = contents(folder)
    for write in (cards.write_card, partial(store.save, None)):
        with pytest.raises(UserError, match="model name") as caught:
            write({}, name, folder)
        assert caught.value.code == 2
    assert contents(folder) == before


@pytest.mark.parametrize("name", ["..", ".digits", "models/.digits", "a*b", ""])
def test_no_model_has_such_a_name(folder, name):
    for read in (store.load, cards.read_card):
        with pytest.raises(UserError, match="model name"):
            read(name, folder)


@pytest.mark.parametrize("ending", ["", ".json", ".tflite", ".weights.h5"])
def test_a_model_may_be_named_by_its_path(folder, monkeypatch, ending):
    monkeypatch.chdir(folder.parent)
    for path in (folder / "digits", Path("models/digits"), Path("./models/../models/digits")):
        assert store.load(f"{path}{ending}").card == cards.read_card(f"{path}{ending}") == store.load("digits").card
    with pytest.raises(UserError, match=r"models/none\.json not found"):
        store.load(f"models/none{ending}")
    (folder / "mine.json").write_bytes((folder / "digits.json").read_bytes())
    monkeypatch.chdir(folder)
    assert cards.card_path(f"./digits{ending}") == Path("digits.json")  # the one here, not the one that was shipped
    assert cards.card_path(f"digits{ending}") == (Path("digits.json") if ending else cards.MODELS / "digits.json")


@pytest.mark.parametrize(
    "change",
    [
        {"threshold": "x"}, {"threshold": None}, {"threshold": 7}, {"class_names": 3}, {"measured": None},
        {"measured": [1]}, {"dataset": "x"}, {"sha256": 1}, {"sha256": {}}, {"architecture": None},
    ],
)  # fmt: skip
def test_a_card_with_something_else_in_it_is_damaged(folder, change):
    (folder / "digits.json").write_text(json.dumps(cards.read_card("digits", folder) | change))
    assert "digits.json is damaged" in refusal(folder)


@pytest.mark.parametrize("name", ["digits", "digits_classic", "zwei 2.0-ö"])
def test_plain_names_are_taken(tmp_path, name):
    cards.write_card({}, name, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.json"]
