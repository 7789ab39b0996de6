"""The people of a shared gallery: the same as people.database.People, in a PostgreSQL database for many machines."""

import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import psycopg

from recognition.faces.detection import for_photos
from recognition.names import check_person, key_of, printable
from recognition.people import embed_photos, merges, photo_files, places
from recognition.people.database import CROP_VERSION
from recognition.people.photo_scan import FEW, MANY, QUICK
from recognition.progress import batches, watched
from recognition.settings import UserError, say
from recognition.shared import changes, schema
from recognition.shared.connection import Server, Unreachable, check_address
from recognition.shared.corrections import Corrections
from recognition.shared.gallery import SharedGallery


class SharedPeople:
    """The people of a database. Any number of programs on any machines may use it at once, in each program one thread.

    What others change counts from the next `refresh` on, and at once where faces are compared. A photo that only other
    networks have described is looked at here. From the first `refresh` on a picture must not stand still: without a
    connection all goes on with those who were met so far, and changes are refused after a few seconds.
    Raises UserError where nobody can connect, and for tables that are another program's or of a newer version.
    """

    def __init__(self, address: str, detector, embedder, accepted: float = 0.01):
        """`address`: postgresql://... or service=...; `accepted`: share of strangers that may get a name."""
        self.place = check_address(address)
        self.detector, self.embedder, self.accepted = for_photos(detector), embedder, accepted
        self._server = Server(address, partial(schema.prepare, place=self.place))
        self.corrections = Corrections(self._server)
        self._names = detector.name, embedder.name, CROP_VERSION
        way = self._server.read(self._find_way)
        self._gallery = SharedGallery(self._server, way, embedder.statistics, accepted)
        self._generation, self._changed, self._news = -1, set(), False  # what was taken in; ids of people; see refresh
        self._waiting: list[int] = []  # photos to be looked at
        self._told: set[str] = set()

    def _find_way(self, db: psycopg.Connection) -> tuple[int, int] | None:
        way = schema.find_way(db, self._names)
        if way and not schema.has_index(db, *way):  # copied there, and not come to the end
            schema.make_index(db, *way)
        return way

    def _use_way(self) -> int:
        """Return the id of the way in which photos are described here, which may be new."""
        if not self._gallery.way:
            side = self.embedder.size
            (embedding,) = self.embedder.embed(np.zeros((1, side, side, 3), np.uint8))
            make = partial(schema.make_way, way=self._names, dimensions=len(embedding))
            self._gallery.way = self._server.write(make)
        return self._gallery.way[0]

    def _rows(self, query: str, *values: object) -> list[tuple]:
        return self._server.read(lambda db: db.execute(query, values, binary=True).fetchall())

    # --- asking ---

    def names(self) -> list[str]:
        """Return everybody, sorted."""
        return sorted(name for (name,) in self._rows("SELECT name FROM people"))

    def is_empty(self) -> bool:
        """Tell whether nobody is enrolled."""
        return not self._rows("SELECT 1 FROM people LIMIT 1")

    def photos(self, name: str) -> list[Path]:
        """Return the photos of a person, sorted, as NAME/FILE: no files, see `pictures`."""
        query = "SELECT name, file FROM people JOIN photos ON person = people.id WHERE key = %s"
        return sorted(Path(*row) for row in self._rows(query, key_of(name)))

    def pictures(self, name: str) -> Iterator[embed_photos.Photo]:
        """Yield the photos of a person as they are asked for, each with its bytes."""
        for path in self.photos(name):
            query = "SELECT content FROM photos JOIN people ON person = people.id WHERE (key, file) = (%s, %s)"
            for (content,) in self._rows(query, key_of(name), path.name):
                yield path, content

    def describe(self) -> list[dict]:
        """Return name, number of photos, of those with a usable face, and the newest photo's date of everybody."""
        self.catch_up()
        way = self._gallery.way[0] if self._gallery.way else 0
        query = """SELECT name, count(*), count(embedding), max(added) FROM people JOIN photos ON person = people.id
            LEFT JOIN descriptions ON photo = photos.id AND way = %s GROUP BY people.id"""
        rows = sorted(self._rows(query, way))
        date = "{:%Y-%m-%d}"
        return [
            {"name": name, "photos": count, "usable": usable, "newest": date.format(newest.astimezone())}
            for name, count, usable, newest in rows
        ]

    def unusable(self) -> list[tuple[Path, str]]:
        """Return the photos in which there is no usable face, each with the reason."""
        self.catch_up()
        query = """SELECT name, file, reason FROM descriptions JOIN photos ON photos.id = photo
            JOIN people ON people.id = person WHERE way = %s AND reason IS NOT NULL"""
        way = self._gallery.way[0] if self._gallery.way else 0
        return sorted((Path(name, file), reason) for name, file, reason in self._rows(query, way))

    def embeddings(self, name: str) -> np.ndarray:
        """Return the embeddings of a person's photos, float32 (N, D)."""
        self.catch_up()
        query = """SELECT embedding FROM people JOIN photos ON person = people.id JOIN descriptions ON photo = photos.id
            WHERE key = %s AND way = %s AND embedding IS NOT NULL ORDER BY photo"""
        way = self._gallery.way[0] if self._gallery.way else 0
        return np.array([row[0].to_numpy() for row in self._rows(query, key_of(name), way)])

    def gallery(self) -> SharedGallery:
        """Return the people with the embeddings of their photos, to compare faces with."""
        try:
            self.catch_up()
            self._take_in()
        except Unreachable:
            if not self._server.live:
                raise
        return self._gallery

    def spelling(self, name: str) -> str:
        """Return the name as it is written there; see names.key_of."""
        found = self._rows("SELECT name FROM people WHERE key = %s", key_of(name))
        return found[0][0] if found else name

    def existing(self, name: str) -> str:
        """Return the name of a person who is there, as it is written there; raise UserError if nobody is called so."""
        found = self._rows("SELECT name FROM people WHERE key = %s", key_of(name))
        if not found:
            raise UserError(f"nobody is called '{name}' in {self.place}: see python face_recognition/people.py list")
        return found[0][0]

    def remembered(self, name: str) -> str:
        """Return the name of a person who is there, or of whom words about libraries or merges tell; else UserError."""
        try:
            return self.existing(name)
        except UserError:
            told = "name FROM named", "name FROM denied", "source FROM merges", "target FROM merges"
            for (other,) in self._rows(" UNION ".join(f"SELECT {column}" for column in told)):
                if key_of(other) == key_of(name):
                    return other
            raise

    def merged_into(self, name: str) -> set[str]:
        """Return whose photos a person got."""
        rows = self._rows("SELECT source, target FROM merges ORDER BY id")
        return merges.sources([merges.Merge(*row, []) for row in rows], name)

    # --- changing ---

    def add(self, name: str, photo: np.ndarray | bytes, embedding: np.ndarray | None = None) -> Path:
        """Add a photo to a person, who may be new, and return it as NAME/FILE: see people.database.People.add."""
        name = check_person(name)
        content = places.without_place(photo) if isinstance(photo, bytes) else photo_files.encode(photo)
        if embedding is None:
            embedding, reason = next(self.embed_photos([(Path("photo"), content)]))
            if reason:
                raise UserError(reason)
        seen, file = {self._use_way(): (embedding, None)}, photo_files.file_of(content)
        return Path(*self._server.write(lambda db: changes.add_one(db, name, file, content, seen)))

    def rename(self, old: str, new: str) -> str:
        """Give a person another name, one that nobody has; return it."""
        old, new = self.existing(old), check_person(new)
        self._server.write(partial(changes.rename, old=old, new=new))
        return new

    def merge(self, source: str, into: str, force: bool = False) -> None:
        """Give all photos of one person to another one; the first one is gone then.

        Two who do not look alike raise UserError, unless `force`.
        """
        source, into = self.existing(source), self.existing(into)
        if source == into:
            raise UserError(f"{source} cannot be merged into the same person: name two", 2)
        if not force:
            merges.check_alike(self, source, into)
        self._server.write(partial(changes.merge, source=source, into=into))

    def undo_merge(self) -> merges.Merge:
        """Give back the photos of the last merge, those that are still there, and return it; UserError without one."""
        merge = self._server.write(changes.undo_merge)
        if not merge.photos:
            raise UserError(merges.gone(merge))
        return merge

    def remove(self, name: str, file: str) -> int:
        """Delete a photo of a person; return how many there were, 0 or 1."""
        return self._server.write(partial(changes.remove, name=name, file=file))

    def forget(self, name: str) -> int:
        """Delete a person, photos and embeddings, and return how many photos there were. It cannot be undone.

        Raises UserError where the rows are gone, and what they were may still lie in the database's files.
        """
        name = self.remembered(name)
        count = self._server.write(partial(changes.forget, name=name))
        refused = self._server.read(schema.vacuum)
        if refused:
            raise UserError(
                f"{self.place}: nobody is told of {name} any more, but this role may not clear the database's files "
                f"({refused}): have their owner run VACUUM (INDEX_CLEANUP ON)"
            )
        say(printable(
            f"{self.place}: backups, replicas and archived WAL of the server may hold {name} till they are replaced, "
            "free space of its files till it is used again (docs/shared-gallery.md)"
        ))  # fmt: skip
        return count

    # --- what others changed ---

    def refresh(self) -> bool:
        """Take in what this or another program changed, and tell whether something did; cheap if not.

        New photos of other networks are looked at for a fifth of a second each time. Without a connection nothing
        changes, which is told once.
        """
        self._server.live = True
        try:
            self._server.listen()
            self._take_in()
            self._look(QUICK)
        except Unreachable:
            return False
        news, self._news = self._news, False
        return news

    def catch_up(self) -> None:
        """Look at all photos that were not described in this way, however long it takes."""
        if self._generation < 0:
            self._take_in()
            self._look()

    def _take_in(self) -> None:
        """Take in what was notified; after a new connection whatever may have changed."""
        self._changed |= set(map(int, self._server.heard()))
        generation = self._server.generation
        if self._changed or generation != self._generation:
            persons = list(self._changed) if generation == self._generation else None
            if not self._gallery.way:
                self._gallery.way = self._server.read(self._find_way)
            self._gallery.change(persons)
            self._waiting += [photo for photo in self._undescribed(persons) if photo not in self._waiting]
            self._generation, self._news = generation, True
            self._changed.clear()

    def _undescribed(self, persons: list[int] | None) -> list[int]:
        """Return the photos of people, by ids, that were not looked at in this way; None: of all people."""
        query = (
            "SELECT id FROM photos WHERE NOT EXISTS (SELECT 1 FROM descriptions WHERE photo = photos.id AND way = %s)"
        )
        values = [self._gallery.way[0] if self._gallery.way else 0]
        if persons is not None:
            query, values = f"{query} AND person = ANY(%s)", [*values, persons]
        return [photo for (photo,) in self._rows(f"{query} ORDER BY id", *values)]

    def _look(self, seconds: float | None = None) -> None:
        """Look at photos that wait for it, for so long or to the end."""
        limit, waiting = time.monotonic() + (seconds or float("inf")), list(self._waiting)
        query = """SELECT photos.id, name, file, content FROM photos JOIN people ON people.id = person
            WHERE photos.id = ANY(%s)"""
        for some in batches(watched(waiting, len(waiting), "photo"), FEW if seconds else MANY):
            rows = self._rows(query, some)
            found = self.embed_photos([(Path(name, file), content) for _, name, file, content in rows])
            seen = [(row[0], *one) for row, one in zip(rows, found, strict=True)]
            for (_, name, file, _), (_, _, reason) in zip(rows, seen, strict=True):
                if reason:
                    say(printable(f"{self.place}: {name}/{file}: not used: {reason}"))
            self._keep(seen)
            self._waiting = [photo for photo in self._waiting if photo not in some]
            if time.monotonic() > limit:
                break

    def _keep(self, seen: list[changes.Seen]) -> None:
        try:
            self._server.write(partial(changes.describe_all, way=self._use_way(), seen=seen))
        except Unreachable:
            raise
        except UserError as error:  # this role only reads: the next one keeps it
            if str(error) not in self._told:
                say(str(error))
            self._told.add(str(error))

    def embed_photos(self, photos: Iterable[embed_photos.Photo], refuse=embed_photos.no_face, anybody: bool = True):
        """Yield the embedding of the person that each photo is of, or None and the reason why: see embed_photos.py."""
        return embed_photos.embed_photos(photos, self.detector, self.embedder, refuse, anybody)
