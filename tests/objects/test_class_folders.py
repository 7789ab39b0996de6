"""Folders of classes: what is used, what is left out by name, what is refused."""

import os
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from recognition.objects import class_folders, features
from recognition.settings import UserError
from recognition.training import datasets


def make(folder: Path, *files: str) -> Path:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        if not file.endswith("/"):
            (folder / file).touch()
        else:
            (folder / file).mkdir(exist_ok=True)
    return folder


def test_images_of_every_class_with_those_of_inner_folders(tmp_path, capsys):
    folder = make(
        tmp_path, "dog/b.PNG", "dog/deep/er/a.jpg", "dog/notes.txt", "dog/.hidden.png", "cat/ü 1.webp", "empty/",
        ".git/a.png", "loose.png", "readme.txt", "none of these/a.png", "zebra/a.png",
    )  # fmt: skip
    (folder / "dog" / "circle").symlink_to(folder)
    found = class_folders.scan(folder)
    assert found.files == {
        "cat": ["cat/ü 1.webp"],
        "dog": ["dog/b.PNG", "dog/deep/er/a.jpg"],
        "zebra": ["zebra/a.png"],
        "none of these": ["none of these/a.png"],
    }
    assert found.class_names[-1] == "none of these"  # where it means what it says
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert said[0].startswith("loose.png: in ")
    assert said[1].startswith("empty: no images")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ((), "no images in subfolders"),
        (("a.png", "b.png"), "no images in subfolders"),
        (("dog/a.png",), "only one class with images, dog.*put images of something else"),
        (("dogs/dog/a.png", "dogs/cat/a.png"), "only one class with images, dogs.*did you mean .*dogs"),
        (("dog/a.png", "cat/"), "only one class"),
    ],
)
def test_less_than_two_classes_are_refused(tmp_path, files, message):
    with pytest.raises(UserError, match=message) as caught:
        class_folders.check_classes(tmp_path, class_folders.scan(make(tmp_path, *files)).class_names)
    assert caught.value.code == 2


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_names_that_cannot_be_written_are_left_out(tmp_path, capsys):
    folder = make(tmp_path, "a/1.png", "b/1.png")
    for name in (b"a/\xff.png", b"\xfe"):
        path = os.path.join(os.fsencode(folder), name)
        open(path, "w").close() if name.endswith(b".png") else os.mkdir(path)
    assert class_folders.scan(folder).files == {"a": ["a/1.png"], "b": ["b/1.png"]}
    assert capsys.readouterr().err.count("no name that can be written") == 2


def test_no_folder(tmp_path):
    with pytest.raises(UserError, match="nowhere: cannot be listed") as caught:
        class_folders.scan(tmp_path / "nowhere")
    assert caught.value.code == 2


def test_an_image_in_two_classes_is_used_in_neither_and_copies_once(tmp_path, capsys):
    files = {"a": ["a/1", "a/2", "a/3"], "b": ["b/1", "b/2"], "c": ["c/1"], "d": ["d/1"]}
    hashes = {"a/1": "A", "a/2": "A", "a/3": "both", "b/1": "both", "b/2": "B", "d/1": "D"}  # c/1 cannot be read
    chosen = class_folders.choose(class_folders.ClassFolder(tmp_path, files), hashes)
    assert (chosen.files, chosen.labels, chosen.class_names) == (["a/1", "b/2", "d/1"], [0, 1, 2], ["a", "b", "d"])
    assert chosen.ambiguous == ["a/3", "b/1"]
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "a/2: the same image is in its class already: used once",
        "error: a/3 and b/1: one image in 2 classes, used in none: keep one",
        "c: no image of this class can be used: left out",
    ]


def test_thousands_of_classes_take_no_longer_than_their_number():
    def seconds(classes: int) -> float:
        files = {f"{k}": [f"{k}/{n}" for n in range(3)] for k in range(classes)}
        folder = class_folders.ClassFolder(Path("x"), files)
        hashes = {file: file for own in files.values() for file in own}
        start = time.process_time()
        chosen = class_folders.choose(folder, hashes)
        datasets.split(np.array(chosen.labels), 0.2)
        return time.process_time() - start

    assert seconds(8000) < 40 * max(seconds(800), 0.01)  # ten times as many; were it squared, a hundred


def test_every_class_keeps_one_to_train_on():
    labels = np.repeat([0, 1, 2], [1, 2, 10])
    kept, held_back = datasets.split(labels, 0.5)
    assert sorted([*kept, *held_back]) == list(range(13))
    assert np.bincount(labels[held_back], minlength=3).tolist() == [0, 1, 5]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_in_a_class_is_named_and_not_opened(tmp_path, capsys):
    (tmp_path / "ball").mkdir()
    os.mkfifo(tmp_path / "ball" / "pipe.jpg")
    extraction = features.Extraction(SimpleNamespace(identity={}), tmp_path / "features.h5")
    extraction.extract(tmp_path, class_folders.scan(tmp_path).files["ball"])
    assert extraction.failed == ["ball/pipe.jpg"]
    assert f"{tmp_path / 'ball' / 'pipe.jpg'}: a pipe or device" in capsys.readouterr().err


def test_parts_are_no_classes_but_a_class_may_be_called_train(tmp_path):
    files = [f"{part}/{name}/a.png" for part in ("train", "test") for name in ("ant", "bee")]
    folder = make(tmp_path / "set", *files)
    told = r"set: test and train are parts with classes in them.*name one, .*set.train to learn from or .*set.test to"
    with pytest.raises(UserError, match=told):
        class_folders.scan(folder)
    files = [f"{part}/{name}/a.png" for part in ("test_set", "docs", "training_set") for name in ("ant", "bee")]
    with pytest.raises(UserError, match="test_set and training_set are parts with classes in them"):
        class_folders.scan(make(tmp_path / "named", *files, "docs/c.png"))
    assert class_folders.scan(folder / "train").class_names == ["ant", "bee"]
    vehicles = make(tmp_path / "vehicles", "train/a.png", "bus/b.png")
    assert class_folders.scan(vehicles).class_names == ["bus", "train"]
    assert class_folders.scan(make(tmp_path / "two", "train/a.png", "test/b.png")).class_names == ["test", "train"]
