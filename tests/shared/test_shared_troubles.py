"""What is wrong with a shared gallery is one line, and nothing is lost: addresses, passwords, rights, other tables."""

import os
import subprocess
import time

import cv2
import numpy as np
import pytest
from coloured_faces import picture
from conftest import ROOT
from people_folder import who
from test_shared_people import counts, fill, open_shared

from recognition.settings import UserError
from recognition.shared import opening

SECRET = "s3cret"


def large(seed):
    """Return a picture of a megabyte, as a file has it."""
    noise = np.random.default_rng(seed).integers(0, 255, (600, 600, 3), np.uint8)
    return cv2.imencode(".png", noise)[1].tobytes()


def refused(address):
    """Return the one line with which an address is refused."""
    with pytest.raises(UserError) as error:
        open_shared(address)
    assert "\n" not in str(error.value) and SECRET not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://ada:{SECRET}@localhost/people",
        f"postgres://ada:{SECRET}@[::1]:5432/people",
        f"postgresql://ada:a/b?{SECRET}@localhost/people",
        f"postgresql://localhost/people?password={SECRET}",
        f"postgresql://localhost/people?pass%77ord={SECRET}",
        f"postgresql://localhost/people?user=ada&sslpassword={SECRET}",
        f"service=people password={SECRET}",
        f"service=people PASSWORD = {SECRET}",
    ],
)
def test_an_address_with_a_password_is_refused_and_not_repeated(server, address):
    said = refused(address)
    assert SECRET not in said and ("PGPASSFILE" in said or "--faces" in said)


def test_a_password_on_the_command_line_is_refused_by_the_script(server, script):
    done = script("face_recognition/people.py", "list", "--faces", f"postgresql://ada:{SECRET}@localhost/people")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert "PGPASSFILE" in done.stderr and SECRET not in done.stderr + done.stdout


def test_without_psycopg_a_line_says_what_to_install(script, tmp_path):
    (tmp_path / "without" / "pgvector").mkdir(parents=True)
    (tmp_path / "without" / "pgvector" / "__init__.py").write_text("raise ImportError")
    path = os.pathsep.join([str(tmp_path / "without"), str(ROOT)])
    for words in (("list", "--faces", "postgresql://host/people"), ("copy", tmp_path, "service=people")):
        done = script("face_recognition/people.py", *words, PYTHONPATH=path)
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
        assert "pip install -r requirements-shared.txt" in done.stderr
    assert (ROOT / "requirements-shared.txt").exists()


def test_addresses_are_told_from_folders():
    for address in ("postgresql://host/people", "postgres://host", "service=people"):
        assert opening.is_address(address) and opening.folder_of(address) is None
    for folder in ("data/faces", "postgresql", "./service=people", ROOT):
        assert not opening.is_address(folder)


@pytest.mark.parametrize(
    "words", [("evaluate.py",), ("train.py",), ("predict_static.py", "x.jpg", "--recognizer", "cnn")]
)
def test_what_reads_the_photos_of_a_folder_says_how_to_get_one(script, words):
    name, *flags = words
    done = script(f"face_recognition/{name}", *flags, "--faces", "service=people")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and "people.py copy" in done.stderr


def test_no_server_no_database_no_user_no_service(server, address, monkeypatch):
    assert "is the server running" in refused("postgresql://127.0.0.1:1/people")
    assert "is the server running" in refused("postgresql://nowhere.invalid/people")
    assert "createdb" in refused(server.address("nothing"))
    assert "createuser" in refused(server.address(user="stranger"))
    assert "pg_service.conf" in refused("service=nothing")
    assert "--faces" in refused("postgresql://[::/x")


def test_without_tls_nobody_connects_who_asked_for_it(server, address):
    said = refused(f"{address}?sslmode=verify-full&sslrootcert=system")
    assert "SSL" in said and "sslmode" in said
    assert open_shared(f"{address}?sslmode=prefer").names() == []


def test_passwords_come_from_a_file(server, address, tmp_path, monkeypatch):
    server.execute("DROP ROLE IF EXISTS locked", f"CREATE ROLE locked LOGIN PASSWORD '{SECRET}'")
    server.execute("ALTER DATABASE people OWNER TO locked")
    locked = server.address(user="locked")
    assert "PGPASSFILE" in refused(locked)
    passwords = tmp_path / "passwords"
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    for password in (SECRET, f"{SECRET}x"):
        passwords.write_text(f"127.0.0.1:*:people:locked:{password}\n")
        passwords.chmod(0o600)
        if password == SECRET:
            assert "CREATE EXTENSION vector" in refused(locked)
            server.execute("CREATE EXTENSION vector")
            open_shared(locked).add("Ada", picture())
            services = tmp_path / "services"
            services.write_text(f"[people]\nhost=127.0.0.1\nport={server.port}\nuser=locked\ndbname=people\n")
            monkeypatch.setenv("PGSERVICEFILE", str(services))
            assert open_shared("service=people").names() == ["Ada"]
        else:
            assert "password authentication failed" in refused(locked)
    server.execute("REASSIGN OWNED BY locked TO postgres", "DROP OWNED BY locked", "DROP ROLE locked")


def test_tables_of_another_program_are_left_alone(server, address):
    server.execute("CREATE TABLE people (id int)", "CREATE TABLE orders (id int)")
    said = refused(address)
    assert "another program" in said and "public.orders" in said and "createdb" in said
    assert server.execute("SELECT count(*) FROM pg_namespace WHERE nspname = 'recognition'") == [(0,)]


def test_a_schema_of_another_program_is_left_alone(server, address):
    server.execute("CREATE SCHEMA recognition", "CREATE TABLE recognition.version (number text)")
    assert "another program" in refused(address)
    server.execute("DROP TABLE recognition.version", "CREATE TABLE recognition.speech (id int)")
    assert "another program" in refused(address)
    assert server.execute("SELECT relname FROM pg_class WHERE relnamespace = 'recognition'::regnamespace") == [
        ("speech",)
    ]


def test_a_newer_version_is_left_alone(server, address):
    open_shared(address).add("Ada", picture())
    server.execute("UPDATE recognition.version SET number = 99")
    assert "newer version" in refused(address) and "99" in refused(address)


def test_tables_of_version_1_are_brought_up_to_date_by_their_owner_and_nothing_is_lost(server, address, monkeypatch):
    import psycopg

    from recognition.shared import schema

    first = schema.TABLES.replace(schema.NEW_IN_2, "")
    assert first != schema.TABLES
    monkeypatch.setattr(schema, "TABLES", first)
    monkeypatch.setattr(schema, "VERSION", 1)
    with psycopg.connect(address, autocommit=True) as db:
        schema.prepare(db, address)
    query = "INSERT INTO recognition.people (name, key, lot) VALUES ('Ada', 'ada', 1)"
    server.execute(query, "DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN")
    server.execute("GRANT USAGE ON SCHEMA recognition TO guest", "GRANT SELECT ON recognition.version TO guest")
    monkeypatch.undo()
    assert "version 1, this needs 2" in refused(server.address(user="guest"))
    assert open_shared(address).names() == ["Ada"]
    assert server.execute("SELECT number FROM recognition.version") == [(2,)]
    whole, upgraded = (
        server.create("whole"),
        "SELECT table_name, column_name, data_type FROM information_schema.columns",
    )
    open_shared(whole)
    upgraded += " WHERE table_schema = 'recognition' ORDER BY 1, 2"
    assert server.execute(upgraded) == server.execute(upgraded, database="whole")
    server.execute("DROP OWNED BY guest", "DROP ROLE guest")


def test_a_database_in_another_encoding_and_a_server_without_pgvector(server):
    server.execute("DROP DATABASE IF EXISTS plain", "CREATE DATABASE plain ENCODING 'SQL_ASCII' TEMPLATE template0")
    assert "UTF8" in refused(server.address("plain"))
    bare = server.create("bare")
    server.execute("ALTER DATABASE bare SET extension_control_path = '/nothing'")
    assert "no pgvector" in refused(bare)


def test_who_may_only_read_recognises_people_and_changes_nothing(server, address):
    fill(open_shared(address))
    server.execute(
        "DROP ROLE IF EXISTS reader",
        "CREATE ROLE reader LOGIN",
        "GRANT USAGE ON SCHEMA recognition TO reader",
        "GRANT SELECT ON ALL TABLES IN SCHEMA recognition TO reader",
    )
    people = open_shared(server.address(user="reader"))
    assert (who(people, "red") == "red" and not people.refresh()) or people.refresh() is False
    for change in (
        lambda: people.add("Ada", picture(seed=9)),
        lambda: people.rename("red", "Ada"),
        lambda: people.forget("red"),
        lambda: people.merge("red", "blue", force=True),
    ):
        with pytest.raises(UserError, match=r"permission denied.*GRANT"):
            change()
    assert counts(server)["photos"] == 6 and people.names() == ["blue", "green", "red"]
    other = open_shared(server.address(user="reader"), "others")
    assert other.gallery().names == []
    server.execute("DROP OWNED BY reader", "DROP ROLE reader")


def test_who_may_write_but_owns_nothing_enrols_and_is_told_what_forgetting_leaves(server, address):
    fill(open_shared(address))
    server.execute(
        "DROP ROLE IF EXISTS writer",
        "CREATE ROLE writer LOGIN",
        "GRANT USAGE ON SCHEMA recognition TO writer",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA recognition TO writer",
    )
    people = open_shared(server.address(user="writer"))
    people.add("Ada", picture(seed=9))
    people.rename("Ada", "Ada Lovelace")
    with pytest.raises(UserError, match="VACUUM"):
        people.forget("Ada Lovelace")
    assert people.names() == ["blue", "green", "red"]
    server.execute("GRANT MAINTAIN ON ALL TABLES IN SCHEMA recognition TO writer")
    assert people.forget("red") == 2
    server.execute("DROP OWNED BY writer", "DROP ROLE writer")


def test_who_may_make_nothing_is_told_who_has_to(server, address):
    server.execute("DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN")
    server.execute("CREATE EXTENSION vector")
    said = refused(server.address(user="guest"))
    assert "no gallery yet" in said and "owner" in said
    server.execute("DROP ROLE guest")


def test_clocks_that_differ_make_no_difference(server, address, monkeypatch):
    people = open_shared(address)
    people.add("Ada", picture(seed=1))
    for seed, shift in enumerate((-(10**9), 10**9), 2):
        now = time.time()
        monkeypatch.setattr(time, "time", lambda now=now, shift=shift: now + shift)
        other = open_shared(address)
        other.add("Ada", picture(seed=seed))
        monkeypatch.undo()
    assert people.refresh() and len(people.embeddings("Ada")) == 3
    recent = "added BETWEEN now() - interval '1 min' AND now()"
    assert server.execute(f"SELECT count(*) FROM recognition.photos WHERE {recent}") == [(3,)]


def test_a_full_disk_is_one_line_and_changes_nothing(server, address):
    people = open_shared(address)
    people.add("Ada", picture(seed=1))
    small = server.folder / "small"
    small.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size=24m,uid={small.stat().st_uid},mode=0777", "tmpfs", str(small)]
    if os.name == "nt" or os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs rights")
    try:
        (small / "space").mkdir()
        os.chown(small / "space", 65534, 65534)
        server.execute(f"CREATE TABLESPACE small LOCATION '{small / 'space'}'")
        server.execute("ALTER TABLE recognition.photos SET TABLESPACE small")
        with pytest.raises(UserError, match="free some space on the server"):
            for seed in range(2, 100):
                people.add("Ada", large(seed), people.embeddings("Ada")[0])
        before = len(people.photos("Ada"))
        assert before == seed - 1 and len(people.embeddings("Ada")) == before  # all or nothing
        server.execute("ALTER TABLE recognition.photos SET TABLESPACE pg_default", "DROP TABLESPACE small")
        people.add("Ada", large(seed), people.embeddings("Ada")[0])  # and it goes on
    finally:
        subprocess.run(["umount", str(small)])
