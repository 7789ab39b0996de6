"""The faces of a picture in an XMP packet: read, named, added and removed, while all else stays to the byte.

These are the regions of the Metadata Working Group (MWG), which digiKam, Lightroom, Picasa and others write and read,
and those of Microsoft, which digiKam writes beside them. XMP has several ways to write the same, and all of them are
read. A packet is changed by cutting bytes out and putting others in: what other programs wrote is not written anew.
"""

import re
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from recognition.library.rdf import DESCRIPTION, LISTS, RDF, Element, Value, fields, items, number, parse, text_of
from recognition.settings import UserError

MWG = "http://www.metadataworkinggroup.com/schemas/regions/"
AREA = "http://ns.adobe.com/xmp/sType/Area#"
SIZE = "http://ns.adobe.com/xap/1.0/sType/Dimensions#"
MP, MPRI, MPREG = (f"http://ns.microsoft.com/photo/1.2/{end}" for end in ("", "t/RegionInfo#", "t/Region#"))
NAME, MP_NAME = f"{MWG}}}Name", f"{MPREG}}}PersonDisplayName"
EXTENSION = "http://ns.adobe.com/photoshop/1.0/}SidecarForExtension"
SPACES = f'xmlns:rdf="{RDF}" xmlns:mwg-rs="{MWG}" xmlns:stArea="{AREA}" xmlns:stDim="{SIZE}"'
EMPTY = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="{RDF}">
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
""".encode()
OPENING = re.compile(rb"<([^\s/>]+)")
ATTRIBUTE = re.compile(rb"""\s([^\s=<>/"']+)\s*=\s*("[^"]*"|'[^']*')""")
UNWRITABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 cannot say
SIDES = 1_000_000  # pixels that no picture's width or height has
TWIN = 0.9  # likeness from which on a region of Microsoft's is the same as one of the MWG's
# Likeness from which on a region is of a face. Other programs' boxes are of the whole head: twice as wide, a quarter;
# the one around the next person, no farther than a face is wide, a ninth
ALIKE = 0.2
Box = tuple[float, float, float, float]  # left, top, right, bottom, as shares of the picture's width and height
TURNED = {  # where a point of a stored picture is in the upright one, by the values of EXIF's tag 0x0112
    1: lambda x, y: (x, y),
    2: lambda x, y: (1 - x, y),
    3: lambda x, y: (1 - x, 1 - y),
    4: lambda x, y: (x, 1 - y),
    5: lambda x, y: (y, x),
    6: lambda x, y: (1 - y, x),
    7: lambda x, y: (1 - y, 1 - x),
    8: lambda x, y: (y, 1 - x),
}
BACK = {6: 8, 8: 6}  # all other turns are undone by themselves


@dataclass(eq=False)
class Region:
    """A face in a picture: its name, None without one, its box, and the element of the list that it was read from."""

    name: str | None
    box: Box
    item: Element


class Packet:
    """An XMP packet. `data`: its bytes; `is_new`: they were made here; `regions`: its faces as the MWG has them;
    `size`: width and height, pixels, of the picture that they are of, None if it does not say; `extension`: of the
    only file that it is of, "" for any.

    Raises UserError, without a path, for bytes that are no XMP.
    """

    def __init__(self, data: bytes = EMPTY):
        self.data, self._edits, self.is_new = data, [], False
        root = parse(data)
        self._rdf = next((one for one in (root, *root.children) if one.name == f"{RDF}}}RDF"), None)
        if self._rdf is None:
            raise UserError("is no XMP (no rdf:RDF in it): is it another program's?")
        descriptions = [one for one in self._rdf.children if one.name == DESCRIPTION]
        abouts = (one.attributes.get(f"{RDF}}}about") for one in descriptions)
        self._about = next(filter(None, abouts), "")
        properties: dict[str, Element | str] = {}
        for name, value in (field for one in descriptions for field in fields(one).items()):
            properties.setdefault(name, value)
        self.extension = text_of(properties.get(EXTENSION))
        self._regions = properties.get(f"{MWG}}}Regions")
        structure = fields(self._regions)
        size = fields(structure.get(f"{MWG}}}AppliedToDimensions"))
        width, height = (number(size.get(f"{SIZE}}}{key}")) for key in "wh")
        self.size = (width, height) if 1 <= width < SIDES and 1 <= height < SIDES else None
        self._list = structure.get(f"{MWG}}}RegionList")
        self.regions = [region for item in items(self._list) if (region := self._face(item))]
        others = fields(properties.get(f"{MP}}}RegionInfo")).get(f"{MPRI}}}Regions")
        self._others = [region for item in items(others) if (region := _microsofts(item))]

    def _face(self, item: Element) -> Region | None:
        """Return the face that an element of the MWG's list is, with a name or not; None if it is something else."""
        region = fields(item)
        area = fields(region.get(f"{MWG}}}Area"))
        x, y, width, height = (number(area.get(f"{AREA}}}{key}")) for key in "xywh")
        unit = text_of(area.get(f"{AREA}}}unit")) or "normalized"
        if unit == "pixel" and self.size:
            x, width, y, height = x / self.size[0], width / self.size[0], y / self.size[1], height / self.size[1]
        elif unit != "normalized":
            return None
        box = x - width / 2, y - height / 2, x + width / 2, y + height / 2
        a_face = text_of(region.get(f"{MWG}}}Type")) in ("", "Face") and _is_box(box)
        return Region(text_of(region.get(NAME)) or None, box, item) if a_face else None

    @property
    def changed(self) -> bool:
        """Whether anything is to be changed."""
        return bool(self._edits)

    def result(self) -> bytes:
        """Return the packet with all changes."""
        data = self.data
        for start, end, new in sorted(self._edits, key=lambda edit: edit[:2], reverse=True):
            data = data[:start] + new + data[end:]
        parse(data)
        return data

    def name(self, region: Region, name: str) -> None:
        """Give a region, and Microsoft's of the same box, a name."""
        self._set(region.item, NAME, name)
        for twin in self._twins(region):
            self._set(twin.item, MP_NAME, name)

    def remove(self, region: Region) -> None:
        """Take a region out, and Microsoft's of the same box."""
        for one in (region, *self._twins(region)):
            self._edits.append((one.item.tag[0], one.item.end[1], b""))

    def _twins(self, region: Region) -> list[Region]:
        twins = [one for one in self._others if one.name and likeness(one.box, region.box) > TWIN]
        self._others = [one for one in self._others if one not in twins]  # changed once
        return twins

    def add(self, faces: list[tuple[str, Box]], size: tuple[int, int]) -> None:
        """Add faces, with their names. `size`: of the picture that their boxes are of, pixels."""
        if not faces:
            return
        new = "".join(f"<rdf:li>{_written(*one)}</rdf:li>\n" for one in faces)
        if isinstance(self._list, Element) and self._list.children:
            if self._list.children[0].name not in LISTS:
                raise UserError("has regions that are written in an unknown way: not changed")
            self._append(self._list.children[0], new.replace("<rdf:li>", f"<rdf:li {SPACES}>"))
            return
        new = f"<rdf:Bag>\n{new}</rdf:Bag>\n</mwg-rs:RegionList>\n"
        if isinstance(self._list, Element):  # there, but empty
            self._edits.append((self._list.tag[0], self._list.end[1], f"<mwg-rs:RegionList {SPACES}>\n{new}".encode()))
        elif self._regions is None:
            width, height = size
            of = f'<mwg-rs:AppliedToDimensions stDim:w="{width}" stDim:h="{height}" stDim:unit="pixel"/>'
            new = f"{of}\n<mwg-rs:RegionList>\n{new}"
            self._add_property(f'<mwg-rs:Regions rdf:parseType="Resource">\n{new}</mwg-rs:Regions>', SPACES)
        elif node := _node(self._regions):
            self._append(node, f"<mwg-rs:RegionList {SPACES}>\n{new}")
        else:
            raise UserError("has regions that are written in an unknown way: not changed")

    def take_regions(self, other: "Packet") -> None:
        """Take over the regions of another packet as they are written there; this one must have none."""
        if isinstance(one := other._regions, Element):
            scope = {"rdf": RDF} | one.scope()
            if scope["rdf"] != RDF:
                raise UserError("calls something else rdf: not taken over")
            spaces = " ".join(f"xmlns{':' * bool(key)}{key}={quoteattr(uri)}" for key, uri in scope.items())
            self._add_property(other.data[one.tag[0] : one.end[1]].decode(), spaces)

    def _add_property(self, written: str, spaces: str) -> None:
        """Add a property, as XML, to what is said of the photo. `spaces`: the declarations of its namespaces."""
        node = f"rdf:Description rdf:about={quoteattr(self._about)} {spaces}"
        self._append(self._rdf, f"<{node}>\n{written}\n</rdf:Description>\n")

    def _append(self, element: Element, new: str) -> None:
        """Put XML at the end of what is in an element."""
        start, end = element.end
        if start < end:
            self._edits.append((start, start, new.encode()))
        else:
            name = OPENING.match(self.data, element.tag[0])[1]
            self._edits.append((end - 2, end, b">\n" + new.encode() + b"</" + name + b">"))

    def _set(self, item: Element, key: str, text: str) -> None:
        """Give a field of a structure another text, wherever it stands."""
        space, _, local = key.rpartition("}")
        value = fields(item).get(key)
        if isinstance(value, Element):
            name = OPENING.match(self.data, value.tag[0])[1]
            tag = re.sub(rb"\s*/?>\Z", b">", self.data[slice(*value.tag)])
            self._edits.append((value.tag[0], value.end[1], tag + escape(text).encode() + b"</" + name + b">"))
        elif value is None and (node := _node(item)):
            self._append(node, f"<r:{local} xmlns:r={quoteattr(space)}>{escape(text)}</r:{local}>")
        else:
            for one in (item, *item.children):
                for found in ATTRIBUTE.finditer(self.data, *one.tag) if key in one.attributes else []:
                    prefix, _, name = found[1].decode().rpartition(":")
                    if name == local and one.scope().get(prefix) == space:
                        self._edits.append((*found.span(2), quoteattr(text).encode()))


def _node(value: Value) -> Element | None:
    """Return the element into which fields of a structure can be put as elements; None if there is none."""
    if not isinstance(value, Element):
        return None
    if value.attributes.get(f"{RDF}}}parseType") == "Resource":
        return value
    return next((child for child in value.children if child.name == DESCRIPTION), None)


def _microsofts(item: Element) -> Region | None:
    """Return the region that an element of Microsoft's list is: left, top, width and height in one text."""
    region = fields(item)
    parts = text_of(region.get(f"{MPREG}}}Rectangle")).split(",")
    if len(parts) != 4:
        return None
    left, top, width, height = map(number, parts)
    box = left, top, left + width, top + height
    return Region(text_of(region.get(MP_NAME)) or None, box, item) if _is_box(box) else None


def _is_box(box: Box) -> bool:
    """Tell whether a box is one, and not far out of the picture; what is no number is none."""
    left, top, right, bottom = box
    return -1 < left < right < 2 and -1 < top < bottom < 2


def likeness(one: Box, other: Box) -> float:
    """Return how much of the area of two boxes is in both, 0 to 1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    both = max(0.0, width) * max(0.0, height)
    return both / max(1e-12, sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)) - both)


def turned(box: Box, orientation: int) -> Box:
    """Return a box of the picture as it is stored in the upright one, by the value of EXIF's tag."""
    turn = TURNED[orientation]
    (x1, y1), (x2, y2) = turn(*box[:2]), turn(*box[2:])
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def turned_back(box: Box, orientation: int) -> Box:
    """Return a box of the upright picture in the stored one."""
    return turned(box, BACK.get(orientation, orientation))


def pair(faces: list[Box], regions: list[Region]) -> dict[int, Region]:
    """Return which region is of which face, by the faces' places in the list; the most alike first, each once."""
    pairs = [
        (alike, k, at)
        for at, region in enumerate(regions)
        for k, box in enumerate(faces)
        if (alike := likeness(box, region.box)) > ALIKE
    ]
    found, used = {}, set()
    for _, k, at in sorted(pairs, reverse=True):
        if k not in found and at not in used:
            found[k] = regions[at]
            used.add(at)
    return found


def _written(name: str, box: Box) -> str:
    """Return a face as XMP has it."""
    left, top, right, bottom = box
    numbers = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
    area = " ".join(f'stArea:{key}="{value:.6f}"' for key, value in zip("xywh", numbers, strict=True))
    return (
        f'<rdf:Description mwg-rs:Name={quoteattr(name)} mwg-rs:Type="Face">'
        f'<mwg-rs:Area {area} stArea:unit="normalized"/></rdf:Description>'
    )
