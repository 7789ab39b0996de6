"""Where very many photos come from: folders, patterns, lists, and addresses of stores such as s3://bucket/photos."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from recognition.media.decoding import documents
from recognition.media.frames import SUFFIXES, FrameSource
from recognition.settings import UserError

SAFE = "/=+@:,;!$&'()*~"  # in a name, all that need not be written as %20 in an address


def files_of(texts: Iterable[str], on_failure: Callable[[str, str], None], leave_out: str) -> Iterator[str]:
    """Yield the files that texts name, as predict_static.py takes them, and those of stores, "s3://...".

    `on_failure`: takes a text and why there is nothing. `leave_out`: a folder that is not entered.
    """
    for text in texts:
        if "://" in text:
            try:
                yield from _in_store(text.replace(" ", "%20"))
            except UserError as error:
                on_failure(text, str(error))
        else:
            source = FrameSource([text], on_failure, all_pages=True, subfolders=True, leave_out=[leave_out])
            yield from map(str, source.files())


def read_bytes(address: str) -> bytes:
    """Return what is in a file of a store. Raises UserError, naming it, for what cannot be read."""
    from pyarrow import fs

    try:
        system, path = fs.FileSystem.from_uri(address)
        with system.open_input_file(path) as file:
            return file.read()
    except (OSError, ValueError) as error:
        raise UserError(f"{address}: cannot be read ({_reason(error)}): check the address and your rights") from None


def _in_store(address: str) -> Iterator[str]:
    """Yield the addresses of the images in a folder of a store and in those in it, sorted; or of a file itself."""
    from pyarrow import fs

    try:
        system, path = fs.FileSystem.from_uri(address)
        found = system.get_file_info(path)
        if found.type == fs.FileType.Directory:
            inside = system.get_file_info(fs.FileSelector(path, recursive=True))
        else:
            inside = [found]
    except (OSError, ValueError) as error:
        raise UserError(f"{address}: cannot be listed ({_reason(error)}): check the address and your rights") from None
    if found.type == fs.FileType.NotFound:
        raise UserError(f"{address}: not found")
    parts = urlsplit(address)
    before = (parts.netloc + unquote(parts.path)).rstrip("/").removesuffix(path.rstrip("/"))
    after = f"?{parts.query}" if parts.query else ""
    known = SUFFIXES | {documents.SUFFIX}
    if found.type == fs.FileType.Directory:
        inside = [one for one in inside if _shown(one.path, path) and PurePosixPath(one.path).suffix.lower() in known]
    names = sorted(one.path for one in inside if one.is_file)
    if not names:
        raise UserError(f"{address}: no images there (looked for {' '.join(sorted(known))})")
    yield from (f"{parts.scheme}://{before}{quote(name, SAFE)}{after}" for name in names)


def _shown(path: str, folder: str) -> bool:
    """Tell whether no part of a path in a folder begins with a dot."""
    return not any(part.startswith(".") for part in PurePosixPath(path).relative_to(folder).parts)


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
