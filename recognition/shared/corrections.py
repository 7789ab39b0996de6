"""What users said of photos in their libraries, for all machines: who a face is, and who is not in a photo.

A photo is known by the SHA-256 of its bytes, a face in it by its box; the photos themselves are not kept.
"""

import psycopg

from recognition.names import key_of
from recognition.shared.connection import Server

PART = 10_000  # photos that are asked for together
Box = tuple[int, int, int, int]


class Corrections:
    """The words of all users."""

    def __init__(self, server: Server):
        self._server = server

    def of(self, hashes: list[bytes]) -> dict[bytes, tuple[list[tuple[Box, str]], set[str]]]:
        """Return what was said of photos, by their hashes: faces with names, and who is not in them."""
        found: dict[bytes, tuple[list[tuple[Box, str]], set[str]]] = {}
        for start in range(0, len(hashes), PART):
            some = [hashes[start : start + PART]]
            query = "SELECT sha256, box, name FROM named WHERE sha256 = ANY(%s)"
            for sha256, box, name in self._rows(query, some):
                found.setdefault(sha256, ([], set()))[0].append((tuple(box), name))
            for sha256, name in self._rows("SELECT sha256, name FROM denied WHERE sha256 = ANY(%s)", some):
                found.setdefault(sha256, ([], set()))[1].add(name)
        return found

    def _rows(self, query: str, values: list | None = None) -> list[tuple]:
        return self._server.read(lambda db: db.execute(query, values, binary=True).fetchall())

    def said(self) -> set[str]:
        """Return the names that users gave to faces."""
        return {name for (name,) in self._rows("SELECT DISTINCT name FROM named")}

    def name(self, faces: list[tuple[bytes, Box, str | None]], name: str) -> int:
        """Give faces a name, but for those of photos in which that person is not; return how many got it.

        Of each face its photo's hash, its box, and the file in the person's folder that shows it, if there is one.
        """
        return self._server.write(lambda db: sum(_name(db, *face, name) for face in faces))

    def deny(self, sha256: bytes, name: str) -> list[str]:
        """Note that a person is not in a photo; return the files of his folder that came from it."""
        key = key_of(name)

        def work(db: psycopg.Connection) -> list[str]:
            db.execute("INSERT INTO denied VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", [sha256, key, name])
            query = "DELETE FROM named WHERE (sha256, key) = (%s, %s) RETURNING file"
            return [file for (file,) in db.execute(query, [sha256, key]) if file]

        return self._server.write(work)


def _name(db: psycopg.Connection, sha256: bytes, box: Box, file: str | None, name: str) -> int:
    key = key_of(name)
    query = """INSERT INTO named (sha256, box, key, name, file) SELECT %s, %s::integer[], %s, %s, %s
        WHERE NOT EXISTS (SELECT 1 FROM denied WHERE (sha256, key) = (%s, %s)) ON CONFLICT (sha256, box)
        DO UPDATE SET (key, name, file) = (excluded.key, excluded.name, excluded.file)"""
    return db.execute(query, [sha256, list(box), key, name, file, sha256, key]).rowcount


def rename(db: psycopg.Connection, old: str, new: str) -> dict:
    """Call a person by another name in all that was said; return what was his, for `undo`."""
    keys = key_of(old), key_of(new)
    query = "UPDATE named SET (key, name) = (%s, %s) WHERE key = %s RETURNING encode(sha256, 'hex'), box"
    named = db.execute(query, [keys[1], new, keys[0]]).fetchall()
    query = "DELETE FROM denied WHERE key = %s RETURNING encode(sha256, 'hex')"
    denied = [sha256 for (sha256,) in db.execute(query, [keys[0]])]
    for sha256 in denied:
        db.execute(
            "INSERT INTO denied VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", [bytes.fromhex(sha256), keys[1], new]
        )
    return {"named": named, "denied": denied}


def undo(db: psycopg.Connection, said: dict, old: str, new: str) -> None:
    """Give a person back what was his before `rename`; see there."""
    for sha256, box in said.get("named", []):
        query = "UPDATE named SET (key, name) = (%s, %s) WHERE (sha256, box, key) = (%s, %s::integer[], %s)"
        db.execute(query, [key_of(old), old, bytes.fromhex(sha256), box, key_of(new)])
    for sha256 in said.get("denied", []):
        query = "UPDATE denied SET (key, name) = (%s, %s) WHERE (sha256, key) = (%s, %s)"
        db.execute(query, [key_of(old), old, bytes.fromhex(sha256), key_of(new)])


def forget(db: psycopg.Connection, name: str) -> int:
    """Drop all that was said of a person; return how many rows that were."""
    return sum(
        db.execute(f"DELETE FROM {table} WHERE key = %s", [key_of(name)]).rowcount for table in ("named", "denied")
    )
