"""Faces in XMP, written as other programs write them, and read back with another reader of XML than ours."""

import re
import xml.etree.ElementTree as ET

import pytest

from recognition.library import rdf, regions
from recognition.library.regions import Packet
from recognition.settings import UserError

R, M = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}", "{http://www.metadataworkinggroup.com/schemas/regions/}"
A, P = "{http://ns.adobe.com/xmp/sType/Area#}", "{http://ns.microsoft.com/photo/1.2/t/Region#}"
HEAD = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
    '<rdf:Description rdf:about="" xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"\n'
    ' xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#" xmlns:stDim="http://ns.adobe.com/xap/1.0/sType/Dimensions#"\n'
    ' xmlns:MP="http://ns.microsoft.com/photo/1.2/" xmlns:MPRI="http://ns.microsoft.com/photo/1.2/t/RegionInfo#"\n'
    ' xmlns:MPReg="http://ns.microsoft.com/photo/1.2/t/Region#" xmlns:odd="http://example.org/odd/">\n'
)
TAIL = "</rdf:Description></rdf:RDF></x:xmpmeta>\n"
DIGIKAM = """<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:RegionList><rdf:Bag>
<rdf:li rdf:parseType="Resource"><mwg-rs:Name>Ada</mwg-rs:Name><mwg-rs:Type>Face</mwg-rs:Type>
<mwg-rs:Area rdf:parseType="Resource"><stArea:x>0.2</stArea:x><stArea:y>0.35</stArea:y><stArea:w>0.2</stArea:w>
<stArea:h>0.3</stArea:h><stArea:unit>normalized</stArea:unit></mwg-rs:Area></rdf:li></rdf:Bag></mwg-rs:RegionList>
</mwg-rs:Regions>
<MP:RegionInfo rdf:parseType="Resource"><MPRI:Regions><rdf:Bag>
<rdf:li MPReg:Rectangle="0.1, 0.2, 0.2, 0.3" MPReg:PersonDisplayName="Ada"/>
<rdf:li MPReg:Rectangle="0.6, 0.2, 0.2, 0.3" MPReg:PersonDisplayName="Ben"/></rdf:Bag></MPRI:Regions></MP:RegionInfo>
"""
LIGHTROOM = """<mwg-rs:Regions><rdf:Description>
<mwg-rs:AppliedToDimensions stDim:w="640" stDim:h="480" stDim:unit="pixel"/>
<mwg-rs:RegionList><rdf:Bag><rdf:li><rdf:Description mwg-rs:Name='Ada' mwg-rs:Type="Face" mwg-rs:Rotation="0.1">
<mwg-rs:Area stArea:x="0.2" stArea:y="0.35" stArea:w="0.2" stArea:h="0.3" stArea:unit="normalized"/>
</rdf:Description></rdf:li></rdf:Bag></mwg-rs:RegionList></rdf:Description></mwg-rs:Regions>
"""
PIXELS = """<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:AppliedToDimensions stDim:w="640" stDim:h="480"/>
<mwg-rs:RegionList><rdf:Seq><rdf:li><rdf:Description mwg-rs:Name="Ada"><mwg-rs:Area stArea:x="128" stArea:y="168"
 stArea:w="128" stArea:h="144" stArea:unit="pixel"/></rdf:Description></rdf:li></rdf:Seq></mwg-rs:RegionList>
</mwg-rs:Regions>
"""
OTHERS = "<odd:thing odd:value='a&#xA;b &gt; c'><!-- kept --><![CDATA[ <raw> & more ]]></odd:thing>\n"
ADA = 0.1, 0.2, 0.3, 0.5


def packet(body):
    return Packet((HEAD + OTHERS + body + TAIL).encode())


def names(data):
    """Return the names of the MWG's regions with their numbers, whichever way they are written."""
    found = []
    for item in next(ET.fromstring(data).iter(f"{M}RegionList"))[0]:
        holder = item if item.find(f"{R}Description") is None else item.find(f"{R}Description")
        area = holder.find(f"{M}Area")
        name = holder.findtext(f"{M}Name") or holder.get(f"{M}Name")
        numbers = (area.get(f"{A}{key}") or area.findtext(f"{A}{key}") for key in "xywh")
        found.append((name, *(round(float(text), 3) for text in numbers)))
    return found


@pytest.mark.parametrize("body", [DIGIKAM, LIGHTROOM, PIXELS])
def test_every_way_to_write_a_region_is_read(body):
    (region,) = packet(body).regions
    assert region.name == "Ada" and region.box == pytest.approx(ADA)


@pytest.mark.parametrize("body", [DIGIKAM, LIGHTROOM])
def test_a_face_is_named_and_one_added_and_all_else_stays_to_the_byte(body):
    one = packet(body)
    one.name(one.regions[0], 'Zoë "O\'Hara" & <Co>')
    one.add([("Cleo", (0.5, 0.5, 0.75, 0.75))], (640, 480))
    data = one.result()
    assert names(data) == [('Zoë "O\'Hara" & <Co>', 0.2, 0.35, 0.2, 0.3), ("Cleo", 0.625, 0.625, 0.25, 0.25)]
    text = data.decode()
    before = HEAD + OTHERS + body + TAIL
    added = re.compile(r"<rdf:li xmlns:rdf=.*?</rdf:li>\n")
    named = r"Zoë (\"|&quot;)O'Hara(\"|&quot;) &amp; &lt;Co&gt;"
    restored = re.sub(named, "Ada", added.sub("", text))
    assert restored.replace('Name="Ada"', "Name='Ada'") == before.replace('Name="Ada"', "Name='Ada'")


def test_microsofts_twin_of_a_region_is_named_and_removed_with_it():
    one = packet(DIGIKAM)
    one.name(one.regions[0], "Eva")
    items = list(ET.fromstring(one.result()).iter(f"{R}li"))
    assert [item.get(f"{P}PersonDisplayName") for item in items[1:]] == ["Eva", "Ben"]
    one = packet(DIGIKAM)
    one.remove(one.regions[0])
    items = list(ET.fromstring(one.result()).iter(f"{R}li"))
    assert [item.get(f"{P}PersonDisplayName") for item in items] == ["Ben"]
    emptied = Packet(one.result())
    emptied.add([("Cleo", ADA)], (640, 480))
    assert names(emptied.result()) == [("Cleo", 0.2, 0.35, 0.2, 0.3)]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<mwg-rs:Regions rdf:parseType='Resource'/>",
        "<mwg-rs:Regions rdf:parseType='Resource'><mwg-rs:RegionList/></mwg-rs:Regions>",
        "<mwg-rs:Regions rdf:parseType='Resource'><mwg-rs:RegionList><rdf:Bag/></mwg-rs:RegionList></mwg-rs:Regions>",
    ],
)
def test_faces_are_added_wherever_there_are_none(body):
    one = packet(body)
    one.add([("Ada", ADA), ("Ben", (0, 0, 0.5, 0.5))], (640, 480))
    assert names(one.result()) == [("Ada", 0.2, 0.35, 0.2, 0.3), ("Ben", 0.25, 0.25, 0.5, 0.5)]
    assert [region.name for region in Packet(one.result()).regions] == ["Ada", "Ben"]
    assert OTHERS in one.result().decode()


def test_a_region_without_a_name_gets_one_and_what_is_no_face_is_none():
    one = packet(DIGIKAM.replace("<mwg-rs:Name>Ada</mwg-rs:Name>", ""))
    assert one.regions[0].name is None
    one.name(one.regions[0], "Ada")
    assert names(one.result()) == [("Ada", 0.2, 0.35, 0.2, 0.3)]
    assert packet(DIGIKAM.replace(">Face<", ">Pet<")).regions == []
    for number in ("nan", "1e999", "-5", "0,2", "", "0.2 0.3"):
        assert packet(DIGIKAM.replace("<stArea:x>0.2<", f"<stArea:x>{number}<")).regions == []
    assert packet(DIGIKAM.replace("<stArea:w>0.2<", "<stArea:w>-0.2<")).regions == []
    assert packet(DIGIKAM.replace(">normalized<", ">inches<")).regions == []


def test_the_regions_of_a_photo_are_taken_over_with_what_they_have():
    one = Packet()
    one.take_regions(packet(LIGHTROOM))
    assert names(one.result()) == [("Ada", 0.2, 0.35, 0.2, 0.3)]
    assert Packet(one.result()).size == (640, 480) and b'mwg-rs:Rotation="0.1"' in one.result()


BOMB = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>" + "<!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>" + HEAD + "&b;" + TAIL
OUTSIDE = "<!DOCTYPE x SYSTEM 'file:///etc/passwd'>" + HEAD + TAIL


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "document type"),
        (OUTSIDE, "document type"),
        ("", "is no XML"),
        ("<a", "is no XML"),
        (HEAD, "is no XML"),
        ("<html><p>no</p></html>", "no rdf:RDF"),
        ('<?xml version="1.0" encoding="latin-1"?>' + HEAD + TAIL, "not in UTF-8"),
        (HEAD + "<odd:a>" * 200 + "</odd:a>" * 200 + TAIL, "levels"),
        (HEAD + "<odd:a/>" * (rdf.ELEMENTS + 1) + TAIL, "elements"),
        (HEAD + " " * rdf.LARGEST + TAIL, "MB"),
        ((HEAD + TAIL).encode("utf-16"), "not written in UTF-8"),
        ((HEAD + TAIL).encode("utf-16-le"), "not written in UTF-8"),
        ((HEAD + "<odd:a>\udcff</odd:a>" + TAIL).encode("utf-8", "surrogateescape"), "not written in UTF-8"),
    ],
)
def test_what_is_no_xmp_or_dangerous_is_refused_in_one_line(text, said):
    with pytest.raises(UserError, match=said) as refused:
        Packet(text if isinstance(text, bytes) else text.encode())
    assert "\n" not in str(refused.value)


def test_a_mark_of_utf_8_and_a_heading_are_left_where_they_are():
    data = b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?>\n' + (HEAD + LIGHTROOM + TAIL).encode()
    one = Packet(data)
    one.name(one.regions[0], "Eva")
    assert one.result().replace(b'"Eva"', b"'Ada'") == data


def test_likeness_of_boxes():
    assert regions.likeness((0, 0, 1, 1), (0, 0, 1, 1)) == 1
    assert regions.likeness((0, 0, 0.5, 1), (0.5, 0, 1, 1)) == 0
    assert regions.likeness((0, 0, 2, 2), (0.5, 0.5, 1.5, 1.5)) == 0.25
