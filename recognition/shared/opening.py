"""Open the people that --faces names: a folder, or by its address a gallery that many machines share.

What only the latter needs is imported only then.
"""

from functools import partial
from pathlib import Path

from recognition.people import recognizers
from recognition.settings import UserError

ADDRESSES = "postgresql://", "postgres://", "service="
MISSING = (
    "a shared gallery needs psycopg and pgvector, which are not installed: "
    "python -m pip install -r requirements-shared.txt"
)


def is_address(faces: Path | str) -> bool:
    """Tell whether --faces names a shared gallery, postgresql://... or service=..., not a folder."""
    return str(faces).startswith(ADDRESSES)


def folder_of(faces: Path | str) -> Path | None:
    """Return the folder that --faces names; None for a shared gallery."""
    return None if is_address(faces) else Path(faces)


def needed_folder(faces: Path | str, flag: str) -> Path:
    """Return the folder that --faces names; UserError for a shared gallery, with which `flag` cannot be used."""
    if folder := folder_of(faces):
        return folder
    raise UserError(
        f"{flag} reads the photos of a folder: copy them (python face_recognition/people.py copy FROM FOLDER) and name "
        "that folder with --faces",
        2,
    )


def open_people(faces: Path | str, detector, embedder, accepted: float = 0.01, may_be_new: bool = False):
    """Return the people of a folder, a people.database.People, or of a shared gallery, a SharedPeople with the same
    methods; see there. UserError where something that the latter needs is not installed."""
    if folder := folder_of(faces):
        from recognition.people.database import People

        return People(folder, detector, embedder, accepted, may_be_new)
    _check_installed()
    from recognition.shared.people import SharedPeople

    return SharedPeople(str(faces), detector, embedder, accepted)


def _check_installed() -> None:
    try:
        import pgvector.psycopg  # noqa: F401, which imports psycopg
    except ImportError:
        raise UserError(MISSING) from None


def copy(source: str, target: str) -> dict[str, int]:
    """Copy people from a folder or a shared gallery to another one: see copying.copy."""
    _check_installed()
    from recognition.shared import copying

    ends = [
        copying.Folder(folder, may_be_new) if (folder := folder_of(where)) else copying.Database(where)
        for where, may_be_new in ((source, False), (target, True))
    ]
    return copying.copy(*ends)


def load(
    name: str,
    faces: Path | str,
    detector,
    accept: float = 0.01,
    model: str = recognizers.MODEL,
    weights: Path | None = None,
):
    """Return a recogniser by its name for the people that --faces names: see recognizers.load."""
    if name == "cnn" or not is_address(faces):
        return recognizers.load(name, needed_folder(faces, "--recognizer cnn"), detector, accept, model, weights)
    recognizers.check(name, accept, model, weights)
    embedder = recognizers.load_embedder(name, weights)
    return recognizers.of_people(open_people(faces, detector, embedder, accept), embedder)


def open_corrections(address: str):
    """Return what users said of photos on all machines: see shared.corrections."""
    _check_installed()
    from recognition.shared import connection, corrections, schema

    place = connection.check_address(address)
    return corrections.Corrections(connection.Server(address, partial(schema.prepare, place=place)))
