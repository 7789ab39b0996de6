"""Go on with the JSON Lines of an earlier run: what they have is left out, and new ones are added."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from recognition.files import check_file, make_folder
from recognition.settings import UserError


@contextlib.contextmanager
def resumed(name: str | None, key: str) -> Iterator[dict[str, int]]:
    """Yield the files of which an earlier run printed all lines to the file `name`, in their order, each with how many;
    what is printed meanwhile is added.

    `key`: what only lines of this script have. The last file's lines are dropped, and it is to be read again: the run
    may have been killed between two of its pages, or within a line. Without a name nothing happens. Raises UserError
    for a file that holds something else.
    """
    if not name:
        yield {}
        return
    path = Path(name)
    make_folder(path.parent, "--resume")
    done, end = _read(path, key)
    with path.open("a", encoding="utf-8", errors="surrogateescape") as file:
        file.truncate(end)
        with contextlib.redirect_stdout(file):
            yield done


def _read(path: Path, key: str) -> tuple[dict[str, int], int]:
    """Return the files whose lines are all there, and where these end, in bytes."""
    done, last, end, place = {}, None, 0, 0
    try:
        check_file(path, most=10**12)
    except FileNotFoundError:
        return {}, 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                break
            try:
                told = json.loads(line)
                told[key]
                source = told["source"].removesuffix(f"#{told['frame'] + 1}") if told["frame"] else told["source"]
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                raise UserError(
                    f"{path}: line {number}: not from --json of this script: name another file to --resume", 2
                ) from None
            if source != last:
                last, end = source, place
            done[source] = done.get(source, 0) + 1
            place += len(line)
    done.pop(last, None)
    return done, end
