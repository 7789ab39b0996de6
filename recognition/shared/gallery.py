"""The people of a shared gallery that faces are compared with: never all of them, only those who may be meant.

An HNSW index gives those whose means lie in nearly the same direction; ordered by distance, as the decision is, it led
to people with many photos, whose means are shorter and nearer to everything, and missed some of the others. Which of
them it is, or nobody, is decided as in a gallery that has all: see faces.gallery. Their number and a sample make the
threshold. Whom it met it remembers, to go on without a connection.
"""

import time

import numpy as np
import psycopg

from recognition.embeddings.statistics import Statistics
from recognition.faces.gallery import SAMPLE, Gallery, Match, threshold_of, unit
from recognition.shared.connection import Server, Unreachable

CANDIDATES = 100  # people that the index gives for a face
SEARCHED = 200  # that it looks at for them, at least
REMEMBERED = 20_000  # people, 10 MB
MANY, OFTEN = 10_000, 10.0  # people from which on one more changes nothing; then seconds between two measurements
Person = tuple[str, int, np.ndarray]  # name, number of photos, the mean of their embeddings of length 1, float32 (D,)


class SharedGallery:
    """See faces.gallery.Gallery. `way`: id and dimensions of its embeddings; None where nobody was described yet."""

    def __init__(self, server: Server, way: tuple[int, int] | None, statistics: Statistics, accepted: float):
        self._server, self._statistics, self._accepted = server, statistics, accepted
        self.way = way
        self._met: dict[int, Person] = {}  # by their ids, the last one last
        self._count, self._measured, self.threshold = 0, -np.inf, 0.0

    @property
    def names(self) -> list[str]:
        """Everybody with a usable photo, sorted."""
        if not self.way:
            return []
        query = f"SELECT name FROM people WHERE id IN (SELECT person FROM centres WHERE way = {self.way[0]:d})"
        return sorted(name for (name,) in self._server.read(lambda db: db.execute(query).fetchall()))

    def change(self, persons: list[int] | None) -> None:
        """Take in that people, of these ids, were changed; None: whatever may have been changed."""
        fresh = self._server.read(self._measure) if self.way else []  # if that fails, nobody is left out
        stale = (self._met.keys() if persons is None else set(persons)) - set(fresh)
        self._met = {person: one for person, one in self._met.items() if person not in stale}

    def _measure(self, db: psycopg.Connection) -> list[int]:
        """Count the people, and set the threshold by a sample of them; return the ids of those in it."""
        if self._count >= MANY and time.monotonic() - self._measured < OFTEN:
            return []
        way, dimensions = self.way
        (self._count,) = db.execute(f"SELECT count(*) FROM centres WHERE way = {way:d}").fetchone()
        photos = f"SELECT photo, embedding, lot FROM descriptions WHERE way = {way:d} AND embedding IS NOT NULL"
        query = (
            f"SELECT embedding, person FROM ({photos} ORDER BY lot LIMIT {SAMPLE}) s JOIN photos ON photo = photos.id"
        )
        drawn = db.execute(query, binary=True).fetchall()
        query = f"""SELECT person, name, photos, centre FROM people JOIN centres ON person = people.id AND way = {way:d}
            ORDER BY lot LIMIT {SAMPLE}"""
        rows = db.execute(query, binary=True).fetchall()
        self._meet(rows)
        embeddings = np.stack([_array(row[0]) for row in drawn]) if drawn else np.zeros((0, dimensions), np.float32)
        owners, ids = np.array([row[1] for row in drawn]), np.array([row[0] for row in rows])
        some = self._of([self._met[person] for person in ids])
        self.threshold = threshold_of(self._count, (embeddings, owners), some, ids, self._statistics, self._accepted)
        self._measured = time.monotonic()
        return ids.tolist()

    def _meet(self, rows: list[tuple]) -> list[Person]:
        people = []
        for person, name, photos, centre in rows:
            self._met.pop(person, None)
            people.append((name, photos, _array(centre)))
            self._met[person] = people[-1]
        for person in list(self._met)[: max(0, len(self._met) - REMEMBERED)]:
            del self._met[person]
        return people

    def _of(self, people: list[Person]) -> Gallery:
        names, count = [name for name, _, _ in people], np.array([photos for _, photos, _ in people])
        dimensions = self.way[1] if self.way else 0
        centres = np.stack([centre for *_, centre in people]) if people else np.zeros((0, dimensions), np.float32)
        return Gallery.of_centres(names, centres, count, self.threshold, self._statistics)

    def match(self, embeddings: np.ndarray) -> list[Match]:
        """Return whom each of the embeddings, float32 (M, D), belongs to.

        Without a connection, where a picture must not stand still, among those met so far; else Unreachable.
        """
        if not self.way or not len(embeddings):
            return self._of([]).match(embeddings)
        probes = unit(np.asarray(embeddings, np.float32)).astype(np.float32)
        try:
            rows = self._server.read(lambda db: self._nearest(db, probes), 0 if self._server.live else None)
            people = self._meet(list({row[0]: row for row in rows}.values()))
        except Unreachable:
            if not self._server.live:
                raise
            people = list(self._met.values())
        return self._of(people).match(embeddings)

    def _nearest(self, db: psycopg.Connection, probes: np.ndarray) -> list[tuple]:
        """Return id, name, number of photos and centre of the people nearest to any of the faces."""
        way, dimensions = self.way
        distance = f"centre::vector({dimensions:d}) <=> %b::vector({dimensions:d})"
        nearest = (
            f"SELECT person, photos, centre FROM centres WHERE way = {way:d} ORDER BY {distance} LIMIT {CANDIDATES}"
        )
        query = f"SELECT person, name, photos, centre FROM ({nearest}) c JOIN people ON people.id = person"
        db.execute(f"SET hnsw.ef_search = {SEARCHED}")
        return [row for probe in probes for row in db.execute(query, [probe], binary=True)]


def _array(vector) -> np.ndarray:
    return vector.to_numpy()
