"""A library whose faces are coloured squares, and its sidecars, as other programs read and write them."""

import xml.dom.minidom
from pathlib import Path

import cv2
import numpy as np
from coloured_faces import Detector, Embedder, picture

from recognition.library import scan
from recognition.library.index import LibraryIndex
from recognition.library.naming import Library
from recognition.library.sidecars import Sidecars
from recognition.people.database import People

MWG, RDF = "http://www.metadataworkinggroup.com/schemas/regions/", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
AREA, SIZE = "http://ns.adobe.com/xmp/sType/Area#", "http://ns.adobe.com/xap/1.0/sType/Dimensions#"
FACES = ("red", 10, 20, 40), ("blue", 70, 20, 40)  # in a picture of 120 pixels


def new_library(tmp_path, monkeypatch):
    """Return a library that takes each square for a face."""
    monkeypatch.setattr(scan, "is_clear", lambda *_: True)  # plain squares are not
    index = LibraryIndex(tmp_path / "library.sqlite", may_be_new=True)
    index.use(("squares", "colours", 1))
    return Library(index, People(tmp_path / "people", Detector(), Embedder(), may_be_new=True))


def new_photo(library, tmp_path):
    """Return a photo with a red face at the left and a blue one at the right, looked at."""
    (tmp_path / "photos").mkdir()
    cv2.imwrite(str(tmp_path / "photos" / "a.png"), picture(*FACES))
    look(library, tmp_path / "photos")
    return tmp_path / "photos" / "a.png"


def look(library, folder):
    return scan.add(library.index, library.people.detector, library.people.embedder, [folder])


def sync(library, *photos):
    files = Sidecars(library)
    files.sync([(path, content) for path, content in library.index.photos() if not photos or path in photos])
    return files.report


def name(library, photo, colour, name):
    """Name a face of a photo, as the user would; None takes nothing away."""
    channel = {"blue": 0, "red": 2}[colour]
    (one,) = [
        one for one in library.index.faces(library.index.content(photo))[0] if one.embedding[:3].argmax() == channel
    ]
    library.index.name([one.id], name, {})


def who(library, photo):
    return [match.name for _, match in library.who(library.index.content(photo))]


def read(file):
    """Return the named boxes of a sidecar (left, top, right, bottom), and the size that they are of, with minidom."""
    document = xml.dom.minidom.parseString(Path(file).read_bytes())
    found = {}
    for area in document.getElementsByTagNameNS(MWG, "Area"):
        x, y, w, h = (float(area.getAttributeNS(AREA, key)) for key in "xywh")
        box = np.round([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 3).tolist()
        found[area.parentNode.getAttributeNS(MWG, "Name")] = box
    sizes = document.getElementsByTagNameNS(MWG, "AppliedToDimensions")
    return found, [tuple(int(size.getAttributeNS(SIZE, key)) for key in "wh") for size in sizes]


def write(file, *regions, size=None, more=""):
    """Write a sidecar as another program would: name, left, top, right, bottom of each region."""
    items = "".join(
        f"<rdf:li><rdf:Description m:Name='{name}' m:Type='Face'><m:Area a:x='{(x1 + x2) / 2}' a:y='{(y1 + y2) / 2}' "
        f"a:w='{x2 - x1}' a:h='{y2 - y1}' a:unit='normalized'/></rdf:Description></rdf:li>"
        for name, x1, y1, x2, y2 in regions
    )
    of = f"<m:AppliedToDimensions d:w='{size[0]}' d:h='{size[1]}' d:unit='pixel'/>" if size else ""
    Path(file).write_text(
        f"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='{RDF}'><rdf:Description xmlns:m='{MWG}' "
        f"xmlns:a='{AREA}' xmlns:d='{SIZE}' xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/'>{more}"
        f"<m:Regions rdf:parseType='Resource'>{of}<m:RegionList><rdf:Bag>{items}</rdf:Bag></m:RegionList></m:Regions>"
        "</rdf:Description></rdf:RDF></x:xmpmeta>",
        encoding="utf-8",
    )


RED, BLUE = [0.083, 0.167, 0.417, 0.5], [0.583, 0.167, 0.917, 0.5]
