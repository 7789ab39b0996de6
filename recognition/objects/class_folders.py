"""Folders of images by class, FOLDER/CLASS/*: what is in them, and which images say something about their class."""

import os
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from recognition.files import is_text
from recognition.media.frames import SUFFIXES
from recognition.objects.classes import NONE
from recognition.settings import UserError, say

HASHED = 12  # hexadecimal digits of an image's SHA-256 that a model's card keeps of what it was trained on
PARTS = frozenset(("train", "training", "val", "valid", "validation", "test", "testing"))  # words in names of folders


@dataclass
class ClassFolder:
    """A folder of classes: `files`, relative paths with "/", of every class that has images, sorted."""

    folder: Path
    files: dict[str, list[str]]

    @property
    def class_names(self) -> list[str]:
        return list(self.files)


def scan(folder: Path) -> ClassFolder:
    """Return the images of FOLDER/CLASS/*, those of folders inside CLASS with them; say what is left out.

    Raises UserError where there is none.
    """
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: (entry.name == NONE, entry.name))  # NONE comes last
        entries = [entry for entry in entries if not entry.name.startswith(".") and _can_be_told(entry.name)]
        files = {entry.name: _images(folder, entry.name) for entry in entries if entry.is_dir()}
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be listed ({error.strerror}): name a folder of classes", 2) from None
    _check_parts(folder, [name for name, found in files.items() if found])
    loose = [entry.name for entry in entries if os.path.splitext(entry.name)[1].lower() in SUFFIXES and entry.is_file()]
    _say(loose, f"in {folder} itself, so of no class: left out")
    _say([name for name, found in files.items() if not found], "no images in this class: left out")
    filled = {name: found for name, found in files.items() if found}
    if not filled:
        raise UserError(f"{folder}: no images in subfolders: put them into {folder / 'CLASS'}", 2)
    return ClassFolder(folder, filled)


def check_classes(folder: Path, class_names: list[str]) -> None:
    """Raise UserError unless there are two classes to tell apart."""
    if not class_names:
        raise UserError(f"{folder}: no image that belongs to one class: keep each in one folder alone", 2)
    if len(class_names) == 1:
        only = folder / class_names[0]
        inner = sorted(path.name for path in only.iterdir() if path.is_dir()) if only.is_dir() else []
        hint = f"did you mean {only}?" if len(inner) > 1 else f"put images of something else into {folder / 'OTHER'}"
        raise UserError(f"{folder}: only one class with images, {class_names[0]}, and two are needed: {hint}", 2)


def compare(folder: str, class_names: list[str]) -> None:
    """Say where a folder has other classes now than those that its features are of."""
    if not folder or not os.path.isdir(folder):
        return
    now = {entry.name for entry in os.scandir(folder) if entry.is_dir() and not entry.name.startswith(".")}
    now = {name for name in now if name in class_names or _images(Path(folder), name)}
    _say(sorted(now - set(class_names)), f"in {folder}, but not in its features: run extract_features.py again")
    _say(sorted(set(class_names) - now), f"not in {folder} any more: run extract_features.py again")


def _check_parts(folder: Path, names: list[str]) -> None:
    """Raise UserError where folders are parts of a dataset, such as train and test_set, with the classes in them."""
    parts = [name for name in names if PARTS.intersection(re.split(r"[\W\d_]+", name.lower()))]
    inner = [{entry.name for entry in os.scandir(folder / name) if entry.is_dir()} for name in parts]
    if len(parts) > 1 and len(set.intersection(*inner)) > 1:
        told, first = " and ".join(parts), min(parts, key=lambda name: "train" not in name.lower())
        other = next(name for name in parts if name != first)
        raise UserError(
            f"{folder}: {told} are parts with classes in them, no classes: name one, {folder / first} to learn from "
            f"or {folder / other} to measure with", 2
        )  # fmt: skip


def _images(folder: Path, name: str) -> list[str]:
    """Return the images of a class, and of the folders in it, sorted. Links to folders are not followed: no circles."""
    found = []
    for parent, folders, files in os.walk(folder / name, onerror=_refuse):
        folders[:] = [inner for inner in folders if not inner.startswith(".")]
        inside = Path(parent).relative_to(folder)
        found += [
            (inside / file).as_posix()
            for file in files
            if os.path.splitext(file)[1].lower() in SUFFIXES and not file.startswith(".")
        ]
    found = [file for file in found if _can_be_told(file)]
    return sorted(found)


def _refuse(error: OSError) -> None:
    raise error


def _can_be_told(name: str) -> bool:
    """Tell whether a name can be written in UTF-8; say which cannot."""
    if not is_text(name):
        say(f"{name!a}: no name that can be written: rename it; left out")
    return is_text(name)


def shorten(names: list[str], most: int = 5) -> str:
    """Return names as one text, the first of them where there are many."""
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def _say(names: list[str], what: str) -> None:
    if names:
        say(f"{shorten(names)}: {what}")


@dataclass
class Chosen:
    """Which images to learn from: `files`, `labels` into `class_names`; `ambiguous`, those of more than one class."""

    files: list[str]
    labels: list[int]
    class_names: list[str]
    ambiguous: list[str]


def choose(classes: ClassFolder, hashes: dict[str, str]) -> Chosen:
    """Return each image once; `hashes` of the files that can be used.

    An image that lies in two classes is used in neither, because nobody knows which is right. Of copies in one class
    one is used: with both, what was learned by heart would be measured as what was understood.
    """
    where: dict[str, dict[str, str]] = defaultdict(dict)  # hash: class: first file
    copies = []
    for name, files in classes.files.items():
        for file in files:
            if file in hashes:
                first = where[hashes[file]].setdefault(name, file)
                copies += [file] if first != file else []
    _say(copies, "the same image is in its class already: used once")
    ambiguous = []
    for same in where.values():
        if len(same) > 1:
            ambiguous += same.values()
            say(f"error: {' and '.join(same.values())}: one image in {len(same)} classes, used in none: keep one")
    chosen = [(next(iter(same)), next(iter(same.values()))) for same in where.values() if len(same) == 1]
    used = {name for name, _ in chosen}
    names = [name for name in classes.files if name in used]
    _say([name for name in classes.files if name not in used], "no image of this class can be used: left out")
    check_classes(classes.folder, names)
    number = {name: k for k, name in enumerate(names)}
    chosen.sort(key=lambda one: (number[one[0]], one[1]))
    return Chosen([file for _, file in chosen], [number[name] for name, _ in chosen], names, ambiguous)
