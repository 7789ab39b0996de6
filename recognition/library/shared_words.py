"""A library's index with what was said of its photos on all machines, where the people are a shared gallery's.

What the user says goes there, and nowhere else: so it can be renamed and forgotten there. What was said before stays in
the index, and counts where nobody said otherwise.
"""

from pathlib import Path

import numpy as np

from recognition.library.index import LibraryIndex
from recognition.library.tables import KnownFace
from recognition.media.tracking import iou
from recognition.names import key_of

SAME = 0.5  # overlap of two boxes from which on they are of one face: other machines may be a pixel off


class SharedWords:
    """See LibraryIndex, whose methods it has. `corrections`: see shared.corrections."""

    def __init__(self, index: LibraryIndex, corrections):
        self._index, self._corrections = index, corrections
        self._hashes = index.hashes()
        self._said = corrections.of(list(self._hashes.values()))

    def __getattr__(self, name: str):
        return getattr(self._index, name)

    def faces(self, content: int) -> tuple[list[KnownFace], set[str]]:
        """Return the faces of a photo, and who is not in it as the users said."""
        faces, denied = self._index.faces(content)
        named, elsewhere = self._said.get(self._hashes.get(content), ([], set()))
        denied = denied | elsewhere
        keys = set(map(key_of, denied))
        for one in faces:
            names = [name for box, name in named if _overlap(one.face.box, box) > SAME]
            one.name = names[0] if names else None if one.name and key_of(one.name) in keys else one.name
        return faces, denied

    def said(self) -> set[str]:
        """Return the names that users gave to faces."""
        return self._index.said() | self._corrections.said()

    def name(self, ids: list[int], name: str, enrolled: dict[int, str]) -> int:
        """Give faces a name: see LibraryIndex.name."""
        faces = self._index.by_id(ids)
        rows = [(self._hashes[one.content], one.face.box, enrolled.get(one.id)) for one in faces]
        count = self._corrections.name(rows, name)
        self._read(sorted({sha256 for sha256, *_ in rows}))
        return count

    def deny(self, content: int, name: str) -> list[str]:
        """Note that a person is not in a photo: see LibraryIndex.deny."""
        files = self._corrections.deny(self._hashes[content], name) + self._index.deny(content, name)
        self._read([self._hashes[content]])
        return sorted(set(files))

    def _read(self, hashes: list[bytes]) -> None:
        for sha256 in hashes:
            self._said.pop(sha256, None)
        self._said |= self._corrections.of(hashes)


def _overlap(box: tuple, other: tuple) -> float:
    return float(iou(np.array([box], float), np.array([other], float))[0, 0])


def copy_words(library: Path, corrections, there: bool) -> int:
    """Copy what was said of photos from a library to a shared gallery's corrections, or if not `there` back, for the
    photos that the library has; return how many words were copied."""
    index = LibraryIndex(library)
    if there:
        named, denied = index.words()
        for sha256, name in denied:
            corrections.deny(sha256, name)
        for sha256, box, name, file in named:
            corrections.name([(sha256, tuple(map(int, box.split())), file)], name)
        return len(named) + len(denied)
    hashes, count = index.hashes(), 0
    said = corrections.of(list(hashes.values()))
    for content, sha256 in hashes.items():
        named, denied = said.get(sha256, ([], set()))
        for name in denied:
            index.deny(content, name)
        for one in index.faces(content)[0]:
            for name in [name for box, name in named if _overlap(one.face.box, box) > SAME][:1]:
                count += index.name([one.id], name, {})
        count += len(denied)
    return count
