"""What was seen in the photos of a library, and what the user said about it, in one SQLite file.

A photo is a file; a content is what is in it, known by its hash, so that copies share one. The faces of a content have
each an embedding, a name if the user said one, and the number of the group that they were put into. Only numbers and
words are kept, no pictures. What the user said cannot be made again: a damaged file is refused, never replaced.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from recognition.files import DATA, make_folder
from recognition.library import tables
from recognition.library.tables import (
    FACE,
    TABLES,
    THERE,
    UPGRADES,
    VERSION,
    File,
    KnownFace,
    add_content,
    carry_over,
    face_of,
    name_of,
)
from recognition.settings import UserError
from recognition.sqlite.file import SqliteFile

LIBRARY = DATA / "library.sqlite"
HERE = "photos JOIN folders ON folders.id = photos.folder WHERE path = ? AND file = ?"  # one photo


class LibraryIndex:
    """The index of a photo library. Not for several threads at once; any number of programs may use it at once.

    Raises UserError for a file that is damaged or cannot be written, and, unless `may_be_new`, one that is not there.
    """

    def __init__(self, path: Path, may_be_new: bool = False):
        path = Path(os.path.realpath(path))
        if not may_be_new and not path.exists():
            raise UserError(
                f"{path} not found: run python face_recognition/library.py add FOLDER, or correct --library"
            )
        make_folder(path.parent, "--library")
        self.file_path, self.file = path, SqliteFile(path, TABLES, VERSION, False, UPGRADES)
        self._replaced: set[int] = set()  # contents

    def way(self) -> tuple[str, str, int] | None:
        """Return names of detector and embedder and version of the crop of all faces; None in a new file."""
        found = self._all("SELECT detector, embedder, crop FROM state")
        return found[0] if found else None

    def use(self, way: tuple[str, str, int]) -> None:
        """Choose the way of a new file. Raises UserError for another than a file has: they cannot be compared."""
        query = "INSERT INTO state SELECT ?, ?, ?, 1 WHERE NOT EXISTS (SELECT 1 FROM state)"
        self.file.write(lambda db: db.execute(query, way))
        found = self.way()
        if found != way:
            made, now = ("detector {}, recognizer {}, crop {}".format(*one) for one in (found, way))
            raise UserError(
                f"{self.file_path}: made with {made}, not {now}: take the same ones, or another --library", 2
            )

    def _all(self, query: str, values: Iterable = ()) -> list[tuple]:
        return self.file.run(lambda db: db.execute(query, tuple(values)).fetchall())

    # --- photos ---

    def folders(self) -> dict[str, int]:
        """Return the paths of all folders with photos, each with its id, sorted."""
        return {os.fsdecode(path): key for key, path in self._all("SELECT id, path FROM folders ORDER BY path")}

    def files(self, folder: str) -> dict[str, tuple[int, int, int]]:
        """Return size, time of change (ns) and whether it is gone (0, 1) of each photo of a folder, by its name."""
        query = "SELECT file, size, mtime_ns, gone FROM photos WHERE folder = (SELECT id FROM folders WHERE path = ?)"
        return {os.fsdecode(row[0]): row[1:] for row in self._all(query, [os.fsencode(folder)])}

    def mark_gone(self, folder: str, files: Iterable[str], gone: bool) -> None:
        """Note that photos of a folder are gone, or are there again."""
        query = "UPDATE photos SET gone = ? WHERE folder = (SELECT id FROM folders WHERE path = ?) AND file = ?"
        rows = [(gone, os.fsencode(folder), os.fsencode(file)) for file in files]
        self.file.write(lambda db: db.executemany(query, rows))

    def knows(self, sha256: bytes) -> bool:
        """Tell whether a photo with that content was looked at."""
        return bool(self._all("SELECT 1 FROM contents WHERE sha256 = ?", [sha256]))

    def record(self, looked: list[tuple[File, bytes, list[KnownFace] | str | None]], same: float) -> None:
        """Take in photos in one transaction: the SHA-256 of each, and its faces, or why it cannot be read, or None.

        None: what is in it is known. `same`: distance up to which two faces are the same picture; to these is carried
        over what the user said of the file before it was changed.
        """

        def work(db: sqlite3.Connection) -> None:
            for file, sha256, seen in looked:
                reason = seen if isinstance(seen, str) else None
                content = None if reason else add_content(db, sha256, seen)
                if content is None and not reason:  # another program has just dropped it: the next run looks at it
                    continue
                folder = os.fsencode(file.path.parent)
                db.execute("INSERT OR IGNORE INTO folders (path) VALUES (?)", (folder,))
                key = *db.execute("SELECT id FROM folders WHERE path = ?", (folder,)).fetchone(), name_of(file.path)
                old = db.execute("SELECT content FROM photos WHERE folder = ? AND file = ?", key).fetchone()
                row = *key, file.size, file.mtime_ns, content, reason
                db.execute("INSERT OR REPLACE INTO photos VALUES (?, ?, ?, ?, ?, ?, 0)", row)
                if content and old and old[0] not in (None, content):
                    carry_over(db, old[0], content, same)
                    self._replaced.add(old[0])

        self.file.write(work)

    def drop_replaced(self) -> None:
        """Delete what was in photos before they were changed, unless another photo recorded since has it: files that
        were renumbered, say, take one another's names."""
        self.file.write(lambda db: tables.drop_unused(db, self._replaced))
        self._replaced = set()

    def unreadable(self) -> int:
        """Return how many photos are there that cannot be read."""
        return self._all("SELECT count(*) FROM photos WHERE reason NOT NULL AND NOT gone")[0][0]

    def known(self, path: Path) -> File | None:
        """Return a photo as it was when it was looked at; None if it never was."""
        query = f"SELECT size, mtime_ns FROM {HERE}"
        found = self._all(query, [os.fsencode(os.path.realpath(path.parent)), name_of(path)])
        return File(path, *found[0]) if found else None

    def content(self, path: Path) -> int:
        """Return the content of a photo. Raises UserError for one that is not in the library, or cannot be read."""
        path = Path(os.path.realpath(path.parent)) / path.name
        found = self._all(f"SELECT content, reason FROM {HERE}", [os.fsencode(path.parent), name_of(path)])
        if not found:
            raise UserError(f"{path}: not in the library: python face_recognition/library.py add {path.parent}")
        if found[0][0] is None:
            raise UserError(f"{path}: {found[0][1]}")
        return found[0][0]

    def photos(self) -> Iterator[tuple[Path, int]]:
        """Yield the photos that are there and can be read, sorted, each with its content."""
        query = "SELECT file, content FROM photos WHERE folder = ? AND content NOT NULL AND NOT gone ORDER BY file"
        for folder, key in self.folders().items():
            for file, content in self._all(query, [key]):
                yield Path(folder, os.fsdecode(file)), content

    def path(self, content: int) -> Path | None:
        """Return a file with that content which is there; None if there is none."""
        query = """SELECT path, file FROM photos JOIN folders ON folders.id = photos.folder
            WHERE content = ? AND NOT gone ORDER BY 1, 2 LIMIT 1"""
        found = self._all(query, [content])
        return Path(*map(os.fsdecode, found[0])) if found else None

    # --- faces ---

    def faces(self, content: int) -> tuple[list[KnownFace], set[str]]:
        """Return the faces of a photo, and who is not in it as the user said."""
        rows = self._all(f"SELECT {FACE} FROM faces WHERE content = ?", [content])
        denied = self._all("SELECT name FROM denied WHERE content = ?", [content])
        return [face_of(row) for row in rows], {name for (name,) in denied}

    def by_id(self, ids: list[int]) -> list[KnownFace]:
        """Return faces by their ids."""
        found = (self._all(f"SELECT {FACE} FROM faces WHERE id = ?", [key]) for key in ids)
        return [face_of(row) for rows in found for row in rows]

    def hashes(self) -> dict[int, bytes]:
        """Return the SHA-256 of all contents."""
        return dict(self._all("SELECT id, sha256 FROM contents"))

    def group(self, number: int) -> list[KnownFace]:
        """Return the faces of a group, of photos that are there."""
        return [face_of(row) for row in self._all(f"SELECT {FACE} FROM faces WHERE number = ? AND {THERE}", [number])]

    def grouped(self) -> dict[int, list[int]]:
        """Return the numbers of the groups, each with the contents in which it has faces, of photos that are there."""
        query = f"SELECT DISTINCT number, content FROM faces WHERE number > 0 AND {THERE} ORDER BY 1, 2"
        groups: dict[int, list[int]] = {}
        for number, content in self._all(query):
            groups.setdefault(number, []).append(content)
        return groups

    def ungrouped(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int] | None:
        """Return all clear faces without a name: ids, contents and numbers (-1: none), int64 (N,), embeddings, float32
        (N, D); and the next number that no group had. None if all of them were grouped before."""
        clear = f"clear AND name IS NULL AND {THERE}"
        if not self._all(f"SELECT 1 FROM faces WHERE number IS NULL AND {clear} LIMIT 1"):
            return None
        following = self._all("SELECT following FROM state")[0][0]
        rows = self._all(f"SELECT id, content, ifnull(number, -1), embedding FROM faces WHERE {clear} ORDER BY id")
        numbers = np.array([row[:3] for row in rows]).T
        return *numbers, np.frombuffer(b"".join(row[3] for row in rows), np.float32).reshape(len(rows), -1), following

    def set_numbers(self, ids: np.ndarray, numbers: np.ndarray, since: int, following: int) -> bool:
        """Put faces into groups; tell whether it was done: not if another program did so since `ungrouped`.

        `since`, `following`: the next number of a group, before and from now on.
        """

        def work(db: sqlite3.Connection) -> bool:
            done = db.execute("UPDATE state SET following = ? WHERE following = ?", (following, since)).rowcount > 0
            if done:
                rows = zip(numbers.tolist(), ids.tolist(), strict=True)
                db.executemany("UPDATE faces SET number = ? WHERE id = ? AND name IS NULL", rows)
            return done

        return self.file.write(work)

    # --- what the user says ---

    def said(self) -> set[str]:
        """Return the names that the user gave to groups."""
        return {name for (name,) in self._all("SELECT DISTINCT name FROM faces WHERE name NOT NULL")}

    def spellings(self, name: str) -> list[str]:
        """Return how a person is written wherever something was said of him; none if nothing was."""
        return self.file.run(lambda db: tables.spellings(db, name))

    def name(self, ids: list[int], name: str, enrolled: dict[int, str]) -> int:
        """Give faces a name, but for those of photos in which that person is not; return how many got it.

        `enrolled`: the file in the person's folder that shows a face, by the ids of faces.
        """
        allowed = "NOT EXISTS (SELECT 1 FROM denied WHERE denied.content = faces.content AND denied.name = ?)"
        query = f"UPDATE faces SET name = ?, number = NULL, enrolled = ? WHERE id = ? AND {allowed}"
        rows = [(name, enrolled.get(key), key, name) for key in ids]
        return self.file.write(lambda db: db.executemany(query, rows).rowcount)

    def deny(self, content: int, name: str) -> list[str]:
        """Note that a person is not in a photo; return the files of his folder that came from it."""

        def work(db: sqlite3.Connection) -> list[str]:
            db.execute("INSERT OR IGNORE INTO denied VALUES (?, ?)", (content, name))
            mine = "content = ? AND name = ?"
            files = db.execute(f"SELECT enrolled FROM faces WHERE {mine} AND enrolled NOT NULL", (content, name))
            files = [file for (file,) in files]
            db.execute(f"UPDATE faces SET name = NULL, number = NULL, enrolled = NULL WHERE {mine}", (content, name))
            return files

        return self.file.write(work)

    def rename(self, old: str, new: str) -> None:
        """Call a person by another name in all that the user said."""
        self.file.write(lambda db: tables.rename_all(db, old, new))

    def merge(self, source: str, target: str) -> None:
        """Call a person by the name of another person in all that the user said; see `undo_merge`."""
        self.file.write(lambda db: tables.merge(db, source, target))

    def undo_merge(self, source: str, target: str) -> int:
        """Give a person the name back with which `merge` took it; return how many faces have it again.

        Those that the user gave another name since keep that.
        """
        return self.file.write(lambda db: tables.undo_merge(db, source, target))

    def forget(self, name: str) -> int:
        """Drop all that the user said about a person, for good; return how many faces lost that name."""
        count = self.file.write(lambda db: tables.forget(db, name))
        self.file.erase([])  # out of the file, too
        return count

    def words(self) -> tuple[list[tuple[bytes, str, str, str | None]], list[tuple[bytes, str]]]:
        """Return all that the user said: of faces with names the photo's SHA-256, the box, the name and the file in the
        person's folder; and of whoever is not in a photo its SHA-256 and the name."""
        query = "SELECT sha256, {} JOIN contents ON contents.id = content"
        named = self._all(query.format("box, name, enrolled FROM faces") + " WHERE name NOT NULL")
        return named, self._all(query.format("name FROM denied"))

    # --- sidecars ---

    def written(self, content: int) -> dict[int, set[str]]:
        """Return the names that faces of a photo had in its sidecars when these were read or written, by their ids."""
        query = "SELECT face, written.name FROM written JOIN faces ON faces.id = face WHERE content = ?"
        names: dict[int, set[str]] = {}
        for face, name in self._all(query, [content]):
            names.setdefault(face, set()).add(name)
        return names

    def in_sidecars(self, name: str) -> int:
        """Return how many photos have sidecars in which a person was named."""
        names = self.spellings(name)
        query = "SELECT count(DISTINCT content) FROM written JOIN faces ON faces.id = face WHERE written.name IN"
        return self._all(f"{query} ({', '.join('?' * len(names))})", names)[0][0]

    def note_written(self, names: dict[int, str], there: bool = True) -> None:
        """Note the names that faces, by their ids, have in a sidecar, or, if not `there`, have not after all."""
        queries = "INSERT OR IGNORE INTO written VALUES (?, ?)", "DELETE FROM written WHERE face = ? AND name = ?"
        self.file.write(lambda db: db.executemany(queries[not there], names.items()))
