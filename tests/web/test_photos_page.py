"""Photos on a page in Chromium: those that wait, are gone when it is their turn, or are not turned by the browser."""

import cv2
import damaged_pages
import numpy as np
import pytest
from browsing import draw, open_page, text_becomes, until
from chromium_or_skip import chromium
from web_program import Program, ask

from recognition.files import ROOT

SUMS = ROOT / "data" / "samples" / "digits" / "sums.jpg"
SLOW = """
const ask = window.fetch;
window.fetch = async (...asked) => {
    const answer = await ask(...asked);
    if (!asked[0].startsWith("/drawing")) return answer;
    await new Promise((done) => setTimeout(done, 700));
    setTimeout(() => (window.drawingRead = true), 200);
    return answer;
};
"""  # a program that takes its time for drawings


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    with Program("digit_recognition", cwd=tmp_path_factory.mktemp("web"), port=8420) as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser, program):
    page = open_page(browser, program.address, script=SLOW)
    yield page
    assert page.troubles == []
    page.context.close()


def test_photos_that_wait_take_nobody_back_to_their_tab(page):
    page.set_input_files("#files", [SUMS] * 6)
    until(page, "document.querySelector('#tab-photos').ariaSelected === 'true'")
    page.click("#tab-camera")
    page.click("#start")
    text_becomes(page, "#start", "Stop camera")
    until(page, "document.querySelectorAll('#results figure').length === 6")
    page.wait_for_timeout(200)
    assert page.get_attribute("#tab-camera", "aria-selected") == "true"
    assert page.text_content("#start") == "Stop camera" and page.text_content("#text") != "12 30 42"


def test_a_late_answer_to_a_drawing_is_not_that_of_photos(page):
    draw(page, [(0.42, 0.20), (0.62, 0.20), (0.48, 0.85)])
    page.click("#tab-photos")
    until(page, "window.drawingRead")
    assert page.text_content("#text") == "nothing yet"
    page.click("#tab-draw")
    text_becomes(page, "#text", "7")


def test_what_is_seen_of_a_photo_that_lies_on_its_side_is_upright(page, tmp_path):
    cv2.imwrite(str(tmp_path / "side.png"), np.rot90(cv2.imread(str(SUMS))))
    page.set_input_files("#files", tmp_path / "side.png")
    text_becomes(page, "#text", "12 30 42")
    page.click("#results .box >> nth=2")  # the 3 of 30
    until(page, "document.querySelectorAll('#probabilities .share').length === 12")
    shares = [int(share.split()[0]) for share in page.locator("#probabilities .share").all_inner_texts()]
    assert shares.index(max(shares)) == 3


def test_a_folder_and_a_photo_that_changed_are_told_and_the_program_is_not_blamed(page, tmp_path):
    changed, folder = tmp_path / "changed.jpg", tmp_path / "album"
    changed.write_bytes(SUMS.read_bytes())
    folder.mkdir()
    page.set_input_files("#files", [SUMS, SUMS, changed])
    changed.write_bytes(b"something else, before its turn")
    reason = "the browser cannot read it: is it a folder, or was it changed or deleted? Choose it again"
    text_becomes(page, "#error", f"changed.jpg: {reason}")
    session = page.context.new_cdp_session(page)
    files = session.send("Runtime.evaluate", {"expression": "document.getElementById('files')"})
    words = {"files": [str(folder)], "objectId": files["result"]["objectId"]}
    session.send("DOM.setFileInputFiles", words)
    text_becomes(page, "#error", f"album: {reason}")


@pytest.mark.parametrize("name", ["turned.webp", "webp.jpg", "end.png", "start.png", "photo.jpg"])
def test_a_photo_stands_as_its_exif_says_like_its_boxes(page, program, tmp_path, name):
    """Wherever the EXIF stands, and whatever the file is called."""
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    path = tmp_path / name
    kinds = {"webp.jpg": "WEBP", "end.png": "PNG", "start.png": "PNG"}
    Image.new("RGB", (90, 40), "white").save(path, kinds.get(name), exif=exif)
    if name == "end.png":  # as some programs write it: behind the picture
        content = path.read_bytes()
        begin, end = content.index(b"eXIf") - 4, content.index(b"IDAT") - 4
        chunk, last = content[begin:end], content.index(b"IEND") - 4
        path.write_bytes(content[:begin] + content[end:last] + chunk + content[last:])
    size = ask(program.port, f"/read?name={name}", path.read_bytes())[1]["x-size"]
    page.set_input_files("#files", path)
    page.wait_for_selector("#results img")
    shown = page.locator("#results img").evaluate("(image) => `${image.naturalWidth}x${image.naturalHeight}`")
    assert shown == size == "40x90"


@pytest.mark.parametrize(("bad", "shown"), [(1, ["pages.tiff", "pages.tiff#3"]), (0, ["pages.tiff#2", "pages.tiff#3"])])
def test_a_page_that_cannot_be_read_is_told_below_the_others(page, tmp_path, bad, shown):
    path = damaged_pages.save(tmp_path / "pages.tiff", 3, [bad])
    page.set_input_files("#files", path)
    text_becomes(page, "#results .bad", f"pages.tiff: page {bad + 1}: damaged or cut short (decoder error -2)")
    assert [text.split()[-1] for text in page.locator("#results figcaption").all_inner_texts()] == shown
    assert page.text_content("#error") == ""
