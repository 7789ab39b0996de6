"""The tables of a shared gallery, in a schema of their own; made and brought up to date by whoever opens it first.

    people        who: name; `key` is what all spellings of it have in common (see names.key_of)
    photos        whose, the file's name, its bytes and their SHA-256
    ways          which detector and embedder, and version of the crop, embeddings come from
    descriptions  of a photo, in a way: the embedding of the face in it, or the reason why there is none
    centres       of a person, in a way: how many photos, and the mean of their embeddings; with an HNSW index
    named, denied of photos in libraries: who a face is, who is not in it, as users said
    merges        which photos, and which of these words, came from whom
    actions       what was done lately, so that nothing is done twice

`lot`: see faces.gallery.lots_of.
"""

import psycopg
from pgvector.psycopg import register_vector
from psycopg import errors, sql

from recognition.settings import UserError

SCHEMA = "recognition"
LOCK = 0x7265636F67  # whoever makes tables holds it
OLDEST_PGVECTOR = (0, 5)  # the first with HNSW
LARGEST = 2000  # dimensions that pgvector indexes
LINKS = 32  # of a person in the index: with pgvector's 16, one answer in a hundred is another among 100,000
VERSION = 2  # of the tables; raise it when they change, and say in UPGRADES how those of before become them
NEW_IN_2 = """
CREATE TABLE named (
    sha256 bytea NOT NULL, box integer[] NOT NULL, key text NOT NULL, name text NOT NULL, file text,
    PRIMARY KEY (sha256, box)
);
CREATE INDEX named_by_key ON named (key);
CREATE TABLE denied (sha256 bytea NOT NULL, key text NOT NULL, name text NOT NULL, PRIMARY KEY (sha256, key));
CREATE INDEX denied_by_key ON denied (key);
ALTER TABLE merges ADD said jsonb NOT NULL DEFAULT '{}';
"""
TABLES = f"""
CREATE TABLE version (number integer NOT NULL);
CREATE TABLE people (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL, key text NOT NULL UNIQUE, lot bigint NOT NULL
);
CREATE INDEX people_by_lot ON people (lot);
CREATE TABLE photos (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person bigint NOT NULL REFERENCES people ON DELETE CASCADE,
    file text NOT NULL, sha256 bytea NOT NULL, content bytea NOT NULL, added timestamptz NOT NULL DEFAULT now(),
    UNIQUE (person, sha256), UNIQUE (person, file)
);
ALTER TABLE photos ALTER content SET STORAGE EXTERNAL;
CREATE TABLE ways (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, detector text NOT NULL, embedder text NOT NULL,
    crop integer NOT NULL, dimensions integer NOT NULL, UNIQUE (detector, embedder, crop)
);
CREATE TABLE descriptions (
    photo bigint NOT NULL REFERENCES photos ON DELETE CASCADE, way integer NOT NULL REFERENCES ways,
    embedding vector, reason text, lot bigint, PRIMARY KEY (way, photo), CHECK ((embedding IS NULL) <> (reason IS NULL))
);
CREATE INDEX descriptions_by_photo ON descriptions (photo);
CREATE INDEX descriptions_by_lot ON descriptions (way, lot) WHERE embedding IS NOT NULL;
CREATE TABLE centres (
    person bigint NOT NULL REFERENCES people ON DELETE CASCADE, way integer NOT NULL REFERENCES ways,
    photos integer NOT NULL, centre vector NOT NULL, PRIMARY KEY (person, way)
);
CREATE TABLE merges (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, source text NOT NULL, target text NOT NULL,
    photos bigint[] NOT NULL
);
CREATE TABLE actions (id uuid PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
CREATE INDEX actions_by_time ON actions (at);
{NEW_IN_2}"""
TOLD = "people, photos, descriptions, centres, merges, named, denied"  # tables that tell of somebody
UPGRADES = {1: NEW_IN_2}
FOREIGN = """
SELECT nspname || '.' || relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND nspname NOT IN ('pg_catalog', 'information_schema')
    AND nspname !~ '^pg_(toast|temp)'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = pg_class.oid AND deptype = 'e')
ORDER BY 1
"""


def prepare(db: psycopg.Connection, place: str) -> None:
    """Make a connection ready, and the tables, unless they are there. Raises UserError for those of another program,
    of a newer version, or that this role may not make or bring up to date."""
    version = _version(db, place)
    if version is None or version < VERSION:
        try:
            with db.transaction():
                db.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
                _bring_up(db, place, _version(db, place))
        except errors.InsufficientPrivilege as error:
            what = "has no gallery yet" if version is None else f"has tables of version {version}, this needs {VERSION}"
            raise UserError(
                f"{place}: {what}, and this role may not make them ({error.diag.message_primary}): have the owner of "
                "the database run python face_recognition/people.py list --faces once"
            ) from None
    elif version > VERSION:
        raise UserError(f"{place}: made by a newer version of these scripts (tables {version}, not {VERSION}): update")
    _find_types(db, place)


def _version(db: psycopg.Connection, place: str) -> int | None:
    """Return the version of the tables; None where there are none, and nothing else is in their place."""
    if not db.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [SCHEMA]).fetchone():
        return None
    try:
        found = db.execute(f"SELECT number FROM {SCHEMA}.version").fetchall()
    except (errors.UndefinedTable, errors.UndefinedColumn):
        found = []
    if len(found) != 1 or not isinstance(found[0][0], int):
        raise UserError(f"{place}: its schema {SCHEMA} is another program's: name another database (createdb people)")
    return found[0][0]


def _bring_up(db: psycopg.Connection, place: str, version: int | None) -> None:
    if version is None:
        others = [name for (name,) in db.execute(FOREIGN)]
        if others:
            some = ", ".join(others[:3]) + ", ..." * (len(others) > 3)
            raise UserError(f"{place}: has tables of another program ({some}): make a database for people (createdb)")
        if (encoding := db.execute("SHOW server_encoding").fetchone()[0]) != "UTF8":
            raise UserError(
                f"{place}: keeps texts in {encoding}: make a database in UTF8 (createdb -E UTF8 -T template0)"
            )
        try:
            with db.transaction():
                db.execute("CREATE EXTENSION IF NOT EXISTS vector")
        except (errors.UndefinedFile, errors.FeatureNotSupported):
            raise UserError(f"{place}: the server has no pgvector: install it there (docs/shared-gallery.md)") from None
        except errors.InsufficientPrivilege:
            raise UserError(f"{place}: have a superuser run CREATE EXTENSION vector in that database") from None
        db.execute(f"CREATE SCHEMA {SCHEMA}")
    _find_types(db, place)
    for statements in [TABLES] if version is None else [UPGRADES[number] for number in range(version, VERSION)]:
        db.execute(statements)
    db.execute("DELETE FROM version")
    db.execute("INSERT INTO version VALUES (%s)", [VERSION])


def _find_types(db: psycopg.Connection, place: str) -> None:
    """Have names found, those of pgvector in the schema in which it was installed."""
    query = "SELECT nspname, extversion FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace"
    found = db.execute(f"{query} WHERE extname = 'vector'").fetchone()
    if not found:
        raise UserError(f"{place}: pgvector was taken out of this database: CREATE EXTENSION vector")
    if tuple(map(int, found[1].split(".")[:2])) < OLDEST_PGVECTOR:
        raise UserError(f"{place}: has pgvector {found[1]}: install 0.5 or newer, then ALTER EXTENSION vector UPDATE")
    db.execute(sql.SQL("SET search_path = {}, {}").format(sql.Identifier(SCHEMA), sql.Identifier(found[0])))
    register_vector(db)


def find_way(db: psycopg.Connection, way: tuple[str, str, int]) -> tuple[int, int] | None:
    """Return the id and the dimensions of a way; None where nothing was described in it."""
    query = "SELECT id, dimensions FROM ways WHERE (detector, embedder, crop) = (%s, %s, %s)"
    return db.execute(query, way).fetchone()


def make_way(db: psycopg.Connection, way: tuple[str, str, int], dimensions: int, index: bool = True) -> tuple[int, int]:
    """Return the id and the dimensions of a way, which may be new: then with an index of its own, if `index`."""
    found = find_way(db, way)
    if not found:
        db.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        query = "INSERT INTO ways (detector, embedder, crop, dimensions) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"
        db.execute(query, [*way, dimensions])
        found = find_way(db, way)
        if index:
            make_index(db, *found)
    return found


def make_index(db: psycopg.Connection, way: int, dimensions: int) -> None:
    """Make the index of the people's centres in a way, unless it is there."""
    if dimensions <= LARGEST:
        db.execute(
            f"CREATE INDEX IF NOT EXISTS centres_of_way_{way:d} ON centres "
            f"USING hnsw ((centre::vector({dimensions:d})) vector_cosine_ops) WITH (m = {LINKS}) WHERE way = {way:d}"
        )


def has_index(db: psycopg.Connection, way: int, dimensions: int) -> bool:
    """Tell whether the index of a way is there, or cannot be."""
    found = db.execute("SELECT to_regclass(%s)", [f"{SCHEMA}.centres_of_way_{way:d}"]).fetchone()[0]
    return found is not None or dimensions > LARGEST


def vacuum(db: psycopg.Connection) -> str | None:
    """Clear deleted rows out of tables and indexes, however few they are; return why that may not be done, if so."""
    refused: list[str] = []
    db.add_notice_handler(note := lambda said: refused.append(said.message_primary))
    try:
        db.execute("SET lock_timeout = 0")  # others may be at it
        db.execute(f"VACUUM (INDEX_CLEANUP ON) {TOLD}")
    finally:
        db.remove_notice_handler(note)
        if not db.closed:
            db.execute("SET lock_timeout = '10s'")
    return refused[0] if refused else None
