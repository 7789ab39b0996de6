"""Who is in the photos of a library: whom the user named, else who is enrolled, else a group of somebody unknown."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from recognition.faces.gallery import Match, one_each, unit
from recognition.library import grouping
from recognition.library.index import LibraryIndex
from recognition.library.shared_words import SharedWords
from recognition.library.tables import KnownFace
from recognition.media.frames import read_image
from recognition.names import check_person
from recognition.people import merges
from recognition.people.database import People
from recognition.people.enrolment import enroll, part_around, refusal
from recognition.people.photo_files import AlreadyThere
from recognition.settings import UserError

ENROLLED = 20  # photos of a group that are enrolled, and three times as many are tried


@dataclass
class Group:
    """Faces of one unknown person, the clearest first: its number and its faces, with the number of photos."""

    number: int
    faces: list[KnownFace]

    @property
    def photos(self) -> int:
        """In how many photos, copies not counted."""
        return len({one.content for one in self.faces})


class Library:
    """The faces of a photo library, named. `index`: of its photos; `people`: who is enrolled."""

    def __init__(self, index: LibraryIndex, people: People):
        corrections = getattr(people, "corrections", None)  # of a shared gallery: what is said there counts here
        self.index = SharedWords(index, corrections) if corrections else index
        self.people = people
        self._same = people.embedder.statistics.same

    def who(self, content: int) -> list[tuple[KnownFace, Match]]:
        """Return the faces of a photo, from left to right, each with whom it shows.

        What the user said holds; all other names are the gallery's, for faces that are clear enough, nobody twice and
        nobody who is not in the photo as the user said.
        """
        faces, denied = self.index.faces(content)
        if not faces:
            return []
        embeddings = np.stack([one.embedding for one in faces])
        matches = []
        for one, match in zip(faces, self.people.gallery().match(embeddings), strict=True):
            if one.name:
                match = Match(one.name, 0.0, 1.0, one.name)
            elif match.nearest in denied:
                match = Match(None, match.distance, 0.0)
            elif not one.clear:
                match = replace(match, name=None, confidence=min(match.confidence, 0.5))
            matches.append(match)
        once = one_each(matches, embeddings, self._same)
        named = [said if one.name else match for one, said, match in zip(faces, matches, once, strict=True)]
        return sorted(zip(faces, named, strict=True), key=lambda pair: pair[0].face.box[0])

    def find(self, names: list[str]) -> Iterator[tuple[Path, int]]:
        """Yield the photos, each with its content, in which all of these people are; see `spelled`."""
        wanted, found = set(names), {}
        for path, content in self.index.photos():
            if content not in found:
                found[content] = wanted <= {match.name for _, match in self.who(content)}
            if found[content]:
                yield path, content

    def spelled(self, name: str) -> str:
        """Return the name of somebody whom the user named or who is enrolled, as it is written there.

        Raises UserError if nobody is called so.
        """
        enrolled = self.people.spelling(name)
        for known in self.index.said():
            if known == enrolled or known.casefold() == name.casefold():
                return known
        return self.people.existing(name)

    def spelled_or_new(self, name: str) -> str:
        """Return a name as `spelled` does, or as it is if nobody is called so; UserError if nobody can be."""
        try:
            return self.spelled(name)
        except UserError:
            return check_person(name)

    # --- photos ---

    def image(self, content: int) -> np.ndarray:
        """Return a photo, BGR uint8 (H, W, 3). Raises UserError for one that is gone, or was changed since it was
        looked at: its faces would be somebody else's."""
        path = self.index.path(content)
        try:
            if path is None:  # another program has just noted that
                raise FileNotFoundError
            self.check_unchanged(path)
        except FileNotFoundError:
            raise UserError("gone since it was looked at: python face_recognition/library.py add FOLDER") from None
        return read_image(path)

    def check_unchanged(self, path: Path) -> None:
        """Raise UserError for a photo that was changed since it was looked at, FileNotFoundError if it is gone."""
        state, known = os.stat(path), self.index.known(path)
        if known is None or (known.size, known.mtime_ns) != (state.st_size, state.st_mtime_ns):
            raise UserError(f"was changed since it was looked at: python face_recognition/library.py add {path.parent}")

    # --- groups ---

    def groups(self) -> list[Group]:
        """Return the groups of at least two faces whom nobody named and who is not enrolled, the largest first.

        Faces are grouped anew only where some are that never were.
        """
        self._group()
        found = []
        unknown: dict[int, dict[int, list[KnownFace]]] = {}  # by content and number
        for number, contents in self.index.grouped().items():
            faces = []
            for content in contents:
                if content not in unknown:
                    unknown[content] = self._unknown(content)
                faces += unknown[content].get(number, [])
            if len(faces) > 1:
                found.append(Group(number, sorted(faces, key=lambda one: (-one.quality, one.id))))
        return sorted(found, key=lambda group: (-group.photos, group.number))

    def _unknown(self, content: int) -> dict[int, list[KnownFace]]:
        """Return the faces of a photo that nobody named and that are in a group, by its number."""
        groups: dict[int, list[KnownFace]] = {}
        for one, match in self.who(content):
            if match.name is None and one.number:
                groups.setdefault(one.number, []).append(one)
        return groups

    def _group(self) -> None:
        statistics = self.people.embedder.statistics
        while rows := self.index.ungrouped():
            ids, contents, old, embeddings, since = rows
            labels = grouping.group_faces(embeddings, statistics.group)
            labels = grouping.once_a_photo(labels, contents, embeddings, statistics.same)
            numbers, following = grouping.keep_numbers(labels, old, since)
            self.index.set_numbers(ids, numbers, since, following)  # if others did meanwhile, it is done anew

    def name_group(self, number: int, name: str, force: bool = False) -> tuple[str, int, int, list[str]]:
        """Name the faces of a group and enrol the clearest of them: return the name as it is written, how many faces
        have it now, how many were enrolled, and why others could not be.

        `force`: also if the group, or one of its faces, looks like somebody else who is enrolled.
        Raises UserError for a number that no group has, and for a group that looks like somebody else.
        """
        contents = sorted({one.content for one in self.index.group(number)})
        faces = [one for content in contents for one in self._unknown(content).get(number, [])]
        if not faces:
            raise UserError(f"no group has the number {number}: python face_recognition/library.py people lists them")
        name = self.people.spelling(check_person(name))
        rows = unit(np.stack([one.embedding for one in faces]))
        match = self.people.gallery().match(rows.mean(0, keepdims=True))[0]
        if match.name not in (None, name) and not force:
            raise UserError(
                f"group {number} looks like {match.name} (distance {match.distance:.2f}): name it so, or --force"
            )
        distance = merges.unlike(self.people, rows, name)
        if distance and not force:
            raise UserError(
                f"group {number} and {name} look like two people (distance {distance:.2f}): another name, or --force"
            )
        enrolled, reasons = self._enroll_clearest(faces, name, ENROLLED, force)
        return name, self.index.name([one.id for one in faces], name, enrolled), len(enrolled), reasons

    def enroll_named(self, one: KnownFace, name: str) -> tuple[bool, list[str]]:
        """Enrol a face that the user gave that name; return whether it was done, and why not."""
        enrolled, reasons = self._enroll_clearest([one], name, 1)
        self.index.name(list(enrolled), name, enrolled)
        return bool(enrolled), reasons

    def _enroll_clearest(
        self, faces: list[KnownFace], name: str, most: int, force: bool = False
    ) -> tuple[dict[int, str], list[str]]:
        """Enrol the clearest faces, one of a photo, and return the files written by the faces' ids, and why others
        could not be enrolled."""
        enrolled, reasons, tried = {}, [], set()
        for one in sorted(faces, key=lambda one: (-one.quality, one.id)):
            if len(enrolled) == most or len(tried) == 3 * most:
                break
            if one.content not in tried and name not in self.index.faces(one.content)[1]:
                tried.add(one.content)
                try:
                    enrolled[one.id] = self._enroll(one, name, force)
                except AlreadyThere:
                    continue
                except UserError as error:
                    reasons.append(f"{self.index.path(one.content) or 'a photo'}: {error}")
        return enrolled, reasons

    def _enroll(self, one: KnownFace, name: str, force: bool) -> str:
        """Enrol the part of a photo around a face and return the file written in the person's folder."""
        content, embedding = part_around(self.people, self.image(one.content), one.face, refusal)
        return enroll(self.people, name, content, embedding, force).name

    def deny(self, path: Path, name: str) -> int:
        """Note for good that a person is not in a photo; return how many photos of it were enrolled and are not now."""
        files = self.index.deny(self.index.content(path), name)
        return sum(self.people.remove(name, file) for file in files)
