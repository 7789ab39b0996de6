"""Names that users give to what gets a folder of its own: people, and classes."""

import unicodedata

from recognition.settings import UserError

RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in "0123456789¹²³")}
BIDIRECTIONAL = set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # would turn a line around


def printable(name: str) -> str:
    """Return a name such that it fits into a line of text; folders made by hand may have any name."""
    return "".join("?" if _is_control(letter) else letter for letter in name)


def _is_control(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") or letter in BIDIRECTIONAL


def check_name(name: str) -> str:
    """Return a name as it can be a folder's on every system; raise UserError with the reason if it cannot."""
    shown = printable(name[:40]) + "..." * (len(name) > 40)
    name = unicodedata.normalize("NFC", name).strip()
    if any(map(_is_control, name)):
        reason = "has control characters"
    elif not name:
        reason = "is empty"
    elif name[0] == ".":
        reason = "begins with a dot"
    elif set(name) & set('/\\<>:"|?*'):
        reason = 'has one of / \\ < > : " | ? *'
    elif name[-1] == ".":
        reason = "ends with a dot"
    elif name.partition(".")[0].strip().upper() in RESERVED:
        reason = "is a device on Windows"
    elif len(name) > 100 or len(name.encode()) > 255:
        reason = "is longer than 100 characters or 255 bytes"
    else:
        return name
    raise UserError(f"the name '{shown}' {reason}: choose another one", 2)


def check_person(name: str) -> str:
    """Return a name as `check_name` does; raise UserError, too, for what strangers are called."""
    name = check_name(name)
    if name.casefold() == "unknown":
        raise UserError(f"the name '{name}' is what strangers are called: choose another one", 2)
    return name


def key_of(name: str) -> str:
    """Return what names have in common that are one person's: capitals and ways to write an accent make no other."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
