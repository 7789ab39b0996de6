"""Forget people, whatever comes in between: what could not be deleted is told, and the next program goes on with it.

Their folder is moved out of sight first, in one step, into FOLDER/.forgotten-.../; that stays till the photos and the
numbers are gone, and whoever opens the folder of people while it is there does what is left to do.
"""

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from recognition.faces.crops import FORMS
from recognition.files import read_json
from recognition.models import cards
from recognition.people import photo_files
from recognition.settings import UserError, counted, say

FORGOTTEN = ".forgotten-"


def own(photos: Iterable[Path]) -> list[Path]:
    """Return those of a person's photos that go with him: not links, and none in a folder that is one.

    Those of a shared gallery, NAME/FILE, are no files.
    """
    return [one for one in photos if not one.is_absolute() or not (one.is_symlink() or one.parent.is_symlink())]


def put_away(path: Path) -> int:
    """Move a person's folder out of sight; return how many photos are in it. Of links only the links go, which is said,
    not what they lead to."""
    if path.is_symlink():
        place = os.path.realpath(path)
        path.unlink()
        say(f"{path}: only the link is gone: its photos stay in {place}")
        return 0
    photos = [path / name for name in photo_files.list_photos(path)]
    count = len(own(photos))
    _move_away(path)
    if links := len(photos) - count:
        say(f"{path}: of {counted(links, 'photo')} only links are gone: what they lead to stays")
    return count


def _move_away(path: Path) -> None:
    # In one step: nobody finds half of the photos
    for _ in range(5):
        try:
            away = Path(tempfile.mkdtemp(prefix=FORGOTTEN, dir=path.parent))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            _delete(path)  # where there is no room for a folder, photos that go make some
            return
        try:
            os.rename(path, away / "photos")
            return
        except FileNotFoundError:  # gone, or another program has already cleared the new folder away
            if not path.exists():
                raise
        finally:
            with contextlib.suppress(OSError):  # it is not empty if all went well
                away.rmdir()


def clear(folder: Path) -> list[Path]:
    """Delete the photos of whoever was put away; return where they were: see `finish`."""
    waiting = [path for path in folder.glob(f"{FORGOTTEN}*") if not path.is_symlink()]
    for path in waiting:
        _delete(path / "photos")
    return waiting


def finish(waiting: Iterable[Path]) -> list[str]:
    """Note that nothing needs to be done any more for whoever was put away; return what could not be deleted."""
    left = []
    for path in waiting:
        with contextlib.suppress(OSError):
            path.rmdir()
        if path.exists():
            left.append(f"{path} holds photos that cannot be deleted: check its permissions and delete it")
    return left


def _delete(folder: Path) -> None:
    """Delete a folder with all that is in it, as far as that can be done; read-only files and folders, too."""
    for path, folders, files in os.walk(folder):  # which follows no links
        for name in ("", *folders, *files):
            if not os.path.islink(os.path.join(path, name)):
                with contextlib.suppress(OSError):
                    os.chmod(os.path.join(path, name), 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def networks_knowing(names: set[str], folder: Path = cards.MODELS) -> list[str]:
    """Return a line for each trained network in a folder that knows one of these people, and what to do about it."""
    lines = []
    for path in sorted(folder.glob("*.json")):
        try:
            card = read_json(path)
            network = folder / path.stem
            if card.get("architecture") in FORMS and (known := names & set(card["class_names"])):
                again = f"python face_recognition/train.py --name {path.stem}"
                known = " and ".join(sorted(known))
                pictures = f"{network}_confusion.png and {network}_history.png"  # the first has names at its axes
                lines.append(
                    f"{network} still knows {known}: train it again ({again}), or delete {network}.*, {pictures}"
                )
            elif path.name.endswith(".checkpoint.json") and card["settings"].get("architecture") in FORMS:
                lines.append(
                    f"{network} is of a training on faces that was stopped: finish it anew, or delete {network}*"
                )
        except (UserError, OSError, ValueError, TypeError, KeyError, AttributeError):  # nothing that was trained here
            continue
    return lines
