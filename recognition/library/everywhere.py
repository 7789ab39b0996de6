"""Rename, merge and forget people wherever they are known: among the photos of people, and in the photo library."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from recognition.library.index import LIBRARY, LibraryIndex
from recognition.people import forgetting
from recognition.people.database import People, is_default
from recognition.people.merges import Merge
from recognition.settings import UserError, say

Result = TypeVar("Result")


def open_library(path: Path | None, faces: Path | str) -> LibraryIndex | None:
    """Return the photo library in which the same people are named, of `path` or by default; None if there is none."""
    if path:
        return LibraryIndex(path)
    return LibraryIndex(LIBRARY) if is_default(faces) and LIBRARY.exists() else None


def rename(database: People, library: LibraryIndex | None, old: str, new: str) -> tuple[str, str]:
    """Give a person another name, and return both, as their folders have them."""
    old = database.existing(old)

    def work() -> str:
        name = database.rename(old, new)
        if library:
            library.rename(old, name)
        return name

    return old, _together(database, library, work)


def merge(
    database: People, library: LibraryIndex | None, source: str, into: str, force: bool = False
) -> tuple[str, str]:
    """Give all photos of one person to another, who look alike or by `force`, and return both names."""
    source, into = database.existing(source), database.existing(into)

    def work() -> None:
        database.merge(source, into, force)
        if library:
            library.merge(source, into)

    _together(database, library, work)
    return source, into


def undo_merge(database: People, library: LibraryIndex | None) -> tuple[Merge, int]:
    """Undo the last merge, and return it, and how many faces in the library have their name again."""

    def work() -> tuple[Merge, int]:
        merge = database.undo_merge()
        return merge, library.undo_merge(merge.source, merge.into) if library else 0

    return _together(database, library, work)


def _together(database: People, library: LibraryIndex | None, work: Callable[[], Result]) -> Result:
    """Change people and library, or neither: where another program holds the library, nothing was done yet, and what
    the people refuse is not done there."""
    if not library:
        return work()
    database.names()  # new photos are looked at before others have to wait for the library
    return library.file.write(lambda _: work())


def forget(
    database: People, told: str, path: Path | None, faces: Path, agreed: Callable[[str, int], bool]
) -> dict | None:
    """Forget a person wherever something is known, and return what was deleted; None if the user thought better of it.

    `path`, `faces`: see open_library. `agreed`: asks the user, by the name and the number of photos.
    Raises UserError for what could not be deleted, after all else was.
    """
    left, library = [], None
    try:
        library = open_library(path, faces)
    except UserError as error:  # no room to open it, say
        if path and not path.exists():
            raise
        left.append(str(error))
    known, places = library.spellings(told) if library else [], {"library_faces": library, "photos": database}
    try:
        name = database.remembered(told)
    except UserError:
        if not known:
            for line in forgetting.networks_knowing({database.spelling(told)}):
                say(line)
            raise
        name = known[0]
        del places["photos"]
    if not agreed(name, len(forgetting.own(database.photos(name)))):
        say("nothing was deleted")
        return None
    networks = forgetting.networks_knowing({name, *known, *database.merged_into(name)})
    result = {"done": "forget", "names": [name], "photos": 0, "networks": networks}
    if library:
        result["sidecars"] = library.in_sidecars(name)
    for key, where in places.items():
        if where:
            try:
                result[key] = where.forget(name)
            except UserError as error:
                left.append(str(error))
    for line in networks:
        say(line)
    if result.get("sidecars"):
        say(f"sidecars beside {result['sidecars']} photos may have the name still: delete it there, too")
    if left:
        raise UserError(f"{name} is not forgotten everywhere: {'; '.join(left)}")
    if library:
        say(f"{library.file_path}: keeps the numbers of all faces in its photos: delete it to be rid of them")
    return result
