"""Paths in a file, one a line, for more of them than a command line takes."""

import sys
from collections.abc import Iterator
from pathlib import Path

from recognition.files import check_file
from recognition.settings import UserError

STDIN = "-"


def paths_of(named: tuple[str, ...], name: str | None) -> Iterator[str]:
    """Yield the paths that were named, then those in the file `name`, one a line; "-" is the standard input.

    Raises UserError where there is neither, or no such file.
    """
    if not named and not name:
        raise UserError("name at least one image, folder or pattern, for example photos/, or --paths-from a list", 2)
    if name and name != STDIN:
        try:
            check_file(Path(name))
        except OSError as error:
            raise UserError(f"{name}: {error.strerror}: name a file with a path a line to --paths-from", 2) from None
    return _paths_of(named, name)


def _paths_of(named: tuple[str, ...], name: str | None) -> Iterator[str]:
    yield from named
    if name:
        # Names may be any bytes; Windows begins a list with a mark that is none of the first one
        file = sys.stdin.fileno() if name == STDIN else name
        with open(file, encoding="utf-8-sig", errors="surrogateescape", closefd=name != STDIN) as lines:
            for line in lines:
                if "\0" in line:
                    raise UserError(f"--paths-from {name}: no text: it needs a path a line, as find -print has them", 2)
                if path := line.rstrip("\r\n"):
                    yield path
