"""XML with RDF in it, as XMP is: where each element lies in the bytes, and what its structures and lists have.

Files come from anywhere: a document type, with which entities are declared, is refused, and so is what is too large.
"""

import contextlib
import math
import re
from dataclasses import dataclass, field
from xml.parsers import expat

from recognition.settings import UserError

LARGEST, ELEMENTS, DEEPEST = 16_000_000, 100_000, 100  # bytes, elements and levels of a file that is read
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
DESCRIPTION, LISTS = f"{RDF}}}Description", (f"{RDF}}}Bag", f"{RDF}}}Seq", f"{RDF}}}Alt")
TAG = re.compile(rb"""<(?:[^>"']++|"[^"]*+"|'[^']*+')*+>""")
NO_FIELDS = RDF, "http://www.w3.org/XML/1998/namespace"


@dataclass(slots=True, eq=False)
class Element:
    """An element: its name as "URI}name", where its tags lie in the bytes, and what is in it. `declared`: namespaces by
    their prefixes. The end tag of an element that has none lies, empty, behind the other one."""

    name: str
    attributes: dict[str, str]
    declared: dict[str, str]
    parent: "Element | None"
    tag: tuple[int, int]
    end: tuple[int, int] = (0, 0)
    children: list["Element"] = field(default_factory=list)
    text: str = ""

    def scope(self) -> dict[str, str]:
        """Return the namespaces that count in this element, by their prefixes."""
        return (self.parent.scope() if self.parent else {}) | self.declared


Value = Element | str | None  # of a field: an element, or the text of an attribute; None if it is not there


def parse(data: bytes) -> Element:
    """Return the outermost element of an XML document in UTF-8. Raises UserError, without a path, for another one."""
    if len(data) > LARGEST:
        raise UserError(f"has {len(data) / 1e6:.0f} MB (limit {LARGEST / 1e6:.0f}): is it a sidecar?")
    with contextlib.suppress(UnicodeDecodeError):
        if "\0" not in data.decode():
            return _parse(data)
    raise UserError("is not written in UTF-8: save it again with the program that made it")


def _parse(data: bytes) -> Element:
    stack, texts, count = [Element("", {}, {}, None, (0, 0))], [[]], 0
    declared: dict[str, str] = {}
    parser = expat.ParserCreate("UTF-8", namespace_separator="}")

    def refuse_types(*_: object) -> None:
        raise UserError("has a document type, as no XMP does: not read")

    def check_encoding(_: str, encoding: str | None, __: int) -> None:
        if encoding and encoding.lower() != "utf-8":
            raise UserError(f"is written in {encoding}, not in UTF-8: save it again with the program that made it")

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal count, declared
        count += 1
        if count > ELEMENTS or len(stack) > DEEPEST:
            raise UserError(f"has more than {ELEMENTS:,} elements, or {DEEPEST} levels: is it a sidecar?")
        at = parser.CurrentByteIndex
        one = Element(name, attributes, declared, stack[-1], (at, TAG.match(data, at).end()))
        stack[-1].children.append(one)
        stack.append(one)
        texts.append([])
        declared = {}

    def finish(_: str) -> None:
        one, at = stack.pop(), parser.CurrentByteIndex
        one.text = "".join(texts.pop())
        alone = data[one.tag[1] - 2] == ord("/")
        one.end = (one.tag[1], one.tag[1]) if alone else (at, data.index(b">", at) + 1)

    def declare(prefix: str | None, uri: str | None) -> None:
        declared[prefix or ""] = uri or ""

    parser.StartDoctypeDeclHandler, parser.XmlDeclHandler = refuse_types, check_encoding
    parser.StartNamespaceDeclHandler = declare
    parser.StartElementHandler, parser.EndElementHandler = begin, finish
    parser.CharacterDataHandler = lambda text: texts[-1].append(text)
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise UserError(f"is no XML ({error}): is it damaged?") from None
    return stack[0].children[0]


def fields(value: Value) -> dict[str, Element | str]:
    """Return what a structure has, by the names of its fields, whichever of RDF's ways it is written in."""
    found: dict[str, Element | str] = {}
    if isinstance(value, Element):
        found = {name: text for name, text in value.attributes.items() if not name.startswith(NO_FIELDS)}
        for child in value.children:
            for name, inner in fields(child).items() if child.name == DESCRIPTION else [(child.name, child)]:
                found.setdefault(name, inner)
    return found


def items(value: Value) -> list[Element]:
    """Return the elements of the list in a field."""
    lists = [one for one in value.children if one.name in LISTS] if isinstance(value, Element) else []
    return [item for one in lists for item in one.children if item.name == f"{RDF}}}li"]


def text_of(value: Value) -> str:
    """Return the text of a field; none of one that is not there."""
    return (value.text if isinstance(value, Element) else value or "").strip()


def number(value: Value) -> float:
    """Return the number in a field; NaN if there is none."""
    try:
        return float(text_of(value))
    except ValueError:
        return math.nan
