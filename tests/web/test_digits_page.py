"""The page of digits in Chromium, and what all pages share: drawing, dropping, camera, dark, narrow, attacks."""

import http.server
import itertools
import re
import threading
from functools import partial

import cv2
import numpy as np
import pytest
from browsing import DESK, PHONE, draw, drop, looks_good, open_page, save_film, text_becomes, until
from chromium_or_skip import chromium
from conftest import write
from web_program import Program

from recognition.files import ROOT

FOUR = [[(0.12, 0.25), (0.10, 0.55), (0.30, 0.55)], [(0.25, 0.20), (0.22, 0.85)]]
SEVEN = [[(0.42, 0.20), (0.62, 0.20), (0.48, 0.85)]]
SUMS = ROOT / "data" / "samples" / "digits" / "sums.jpg"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    with Program("digit_recognition", cwd=tmp_path_factory.mktemp("web"), port=8350) as running:
        yield running


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    page = cv2.resize(write([["4", "0", "7"]]), (640, 480))
    film = save_film(tmp_path_factory.mktemp("film") / "page.mjpeg", [page] * 30)
    with chromium(film) as running:
        yield running


@pytest.fixture
def page(browser, program):
    page = open_page(browser, program.address)
    yield page
    assert page.troubles == []
    hosts = {address.split("/")[2] for address in page.asked if not address.startswith(("blob:", "data:"))}
    assert hosts == {f"127.0.0.1:{program.port}"}
    page.context.close()


def test_what_is_drawn_is_read_undone_cleared_and_looked_into(page):
    for stroke in FOUR:
        draw(page, stroke)
    text_becomes(page, "#text", "4")
    for stroke in SEVEN:
        draw(page, stroke)
    text_becomes(page, "#text", "47")
    assert page.locator("#sheet-boxes .box").count() == 2

    page.click("#look summary")
    text_becomes(page, "#probabilities", "several digits")
    shares = page.locator("#probabilities .share").all_inner_texts()
    assert len(shares) == 12 and int(shares[7].split()[0]) > 80
    page.click("#show-layers")
    page.wait_for_selector("#layers canvas")
    titles = page.locator("#layers h3").all_inner_texts()
    assert [re.findall(r"\d+", title) for title in titles] == [
        ["32", "26", "26"],
        ["32", "13", "13"],
        ["64", "11", "11"],
        ["64", "9", "9"],
        ["64", "4", "4"],
        ["128", "4", "4"],
        ["128", "4", "4"],
    ]
    assert titles[0].startswith("convolution: 32 maps") and titles[1].startswith("max-pooling: 32 maps")

    page.click("#undo")
    text_becomes(page, "#text", "4")
    until(page, "document.querySelectorAll('#sheet-boxes .box').length === 1")
    page.keyboard.press("Control+z")
    page.click("#clear")
    text_becomes(page, "#text", "nothing yet")
    assert page.locator("#sheet-boxes .box").count() == 0 and page.is_disabled("#clear")

    for x in (0.3, 0.4, 0.5):  # a tally, on paper
        draw(page, [(x, 0.2), (x, 0.8)])
    text_becomes(page, "#text", "111")


def test_a_finger_draws_too(browser, program):
    page = open_page(browser, program.address, PHONE, has_touch=True, is_mobile=True)
    box = page.locator("#sheet").bounding_box()
    session = page.context.new_cdp_session(page)
    for stroke in SEVEN:
        touch = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in stroke]
        session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": touch[:1]})
        for start, end in itertools.pairwise(touch):
            for share in np.linspace(0.2, 1, 5):
                point = {axis: start[axis] + share * (end[axis] - start[axis]) for axis in "xy"}
                session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    text_becomes(page, "#text", "7")
    page.context.close()


def test_a_dropped_photo_is_read_with_its_boxes_and_a_bad_one_says_why(page, tmp_path):
    drop(page, SUMS)
    text_becomes(page, "#text", "12 30 42")
    assert page.locator("#results .box").count() == 12
    image, first = page.locator("#results img").bounding_box(), page.locator("#results .box").first.bounding_box()
    assert abs((first["x"] - image["x"]) / image["width"] - 0.087) < 0.01  # 87 of 1000 pixels
    assert page.get_attribute("#tab-photos", "aria-selected") == "true"

    bad = tmp_path / "<img src=x onerror=alert(1)>.jpg"
    bad.write_bytes(b"nothing")
    worse = tmp_path / "worse.jpg"
    worse.touch()
    page.set_input_files("#files", [bad, worse, SUMS])
    until(page, "document.querySelectorAll('#results figure').length === 2")  # the rest goes on
    assert page.text_content("#error").splitlines() == [
        "<img src=x onerror=alert(1)>.jpg: no image that can be read: is it damaged?",
        "worse.jpg: the file is empty",
    ]
    drop(page, SUMS)
    text_becomes(page, "#error", "")


def test_of_a_long_scan_the_first_pages_are_shown_and_it_is_told(page, tmp_path):
    from PIL import Image

    empty = [Image.new("L", (60 + k, 40), 255) for k in range(23)]
    empty[0].save(tmp_path / "long.tiff", save_all=True, append_images=empty[1:])
    page.set_input_files("#files", [tmp_path / "long.tiff"])
    until(page, "document.querySelectorAll('#results figure').length === 19")
    assert page.locator("#results p").inner_text() == "long.tiff: the first 19 of 23 pages"


def test_what_the_browser_cannot_show_the_program_does(page, tmp_path):
    path = tmp_path / "scan.tiff"
    cv2.imwrite(str(path), cv2.imread(str(SUMS)))
    page.set_input_files("#files", [path])
    text_becomes(page, "#text", "12 30 42")
    page.wait_for_selector("#results img")
    assert page.evaluate("document.querySelector('#results img').naturalWidth") == 1000


def test_each_page_of_a_scan_is_a_picture_with_its_own_boxes(page, tmp_path):
    from PIL import Image

    path = tmp_path / "scan.tiff"
    second = Image.fromarray(cv2.cvtColor(write([["4", "0", "7"]]), cv2.COLOR_BGR2RGB))
    Image.open(SUMS).save(path, save_all=True, append_images=[second])
    page.set_input_files("#files", [path])
    text_becomes(page, "#text", "407")
    figures = page.locator("#results figure")
    assert figures.count() == 2 and figures.nth(0).locator(".box").count() == 12
    assert figures.nth(1).inner_text().split() == ["4", "0", "7", "407", "scan.tiff#2"]
    assert figures.nth(1).locator("img").evaluate("(image) => image.naturalWidth / image.naturalHeight") == (
        pytest.approx(second.width / second.height, rel=0.01)
    )
    figures.nth(1).locator(".box").nth(2).click()
    until(page, "document.querySelectorAll('#probabilities .share').length === 12")
    assert int(page.locator("#probabilities .share").nth(7).inner_text().split()[0]) > 80


def test_the_camera_is_read_live(page):
    page.click("#tab-camera")
    page.click("#start")
    text_becomes(page, "#text", "407")
    until(page, "document.querySelectorAll('#video-boxes .box').length === 3")
    assert page.locator("#video-boxes .box span").all_inner_texts() == ["4", "0", "7"]
    text_becomes(page, "#rate", "answers a second")
    page.locator("#digits button").nth(1).focus()
    page.wait_for_timeout(500)
    assert page.evaluate("[...document.querySelectorAll('#digits button')].indexOf(document.activeElement)") == 1
    page.keyboard.press("Enter")
    until(page, "document.querySelectorAll('#digits button')[1].ariaPressed === 'true'")
    page.click("#tab-draw")
    until(page, "document.querySelector('#video').srcObject === null")


SLOW = """
const camera = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
window.streams = [];
navigator.mediaDevices.getUserMedia = async (wanted) => {
    await new Promise((done) => setTimeout(done, 500));
    window.streams.push(await camera(wanted));
    return window.streams.at(-1);
};
"""  # a camera for which the user is asked, and takes his time
LIVE = "window.streams.filter((one) => one.getTracks().some((track) => track.readyState === 'live')).length"


def test_a_camera_is_started_once_and_not_behind_another_tab(browser, program):
    page = open_page(browser, program.address, script=SLOW)
    page.click("#tab-camera")
    page.click("#start")
    page.click("#start")
    text_becomes(page, "#start", "Stop camera")
    page.wait_for_timeout(800)
    assert page.evaluate("window.streams.length") == page.evaluate(LIVE) == 1
    page.click("#start")
    assert page.evaluate(LIVE) == 0
    page.click("#start")
    page.click("#tab-draw")
    until(page, "window.streams.length === 2")
    page.wait_for_timeout(300)
    assert page.evaluate(LIVE) == 0 and page.text_content("#start") == "Start camera"
    assert page.troubles == []
    page.context.close()


def test_photos_are_looked_at_one_after_the_other_and_each_tab_has_its_answer(page, tmp_path):
    (tmp_path / "empty.jpg").touch()
    page.click("#look summary")
    draw(page, SEVEN[0])
    text_becomes(page, "#text", "7")
    page.set_input_files("#files", [SUMS, tmp_path / "empty.jpg"])
    page.evaluate("document.getElementById('files').files.length")
    drop(page, SUMS)
    until(page, "document.querySelectorAll('#results figure').length === 2")
    text_becomes(page, "#text", "12 30 42")
    page.click("#tab-draw")
    text_becomes(page, "#text", "7")
    page.set_input_files("#files", [tmp_path / "empty.jpg"])
    text_becomes(page, "#error", "empty.jpg: the file is empty")
    page.click("#tab-draw")
    text_becomes(page, "#text", "7")
    until(page, "document.querySelectorAll('#probabilities .share').length === 12")
    assert page.text_content("#error") == "empty.jpg: the file is empty"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_light_dark_and_narrow(browser, program, scheme, viewport):
    page = open_page(browser, program.address, viewport, color_scheme=scheme)
    drop(page, SUMS)
    text_becomes(page, "#text", "12 30 42")
    looks = looks_good(page)
    assert not looks["wide"]
    dark, light = sorted([looks["paper"], looks["ink"]])
    assert dark < 60 and light > 200 and (looks["paper"] == dark) == (scheme == "dark")
    page.context.close()


def test_a_page_from_elsewhere_gets_nothing(browser, program, tmp_path):
    """Another server of this computer, as another page of the browser would: it may neither ask, listen nor frame."""
    (tmp_path / "index.html").write_text("<title>evil</title><body></body>")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    handler.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/")
        told = page.evaluate(
            """async (target) => {
                const no = (error) => "no";
                const yes = (answer) => answer.status;
                const asked = await fetch(target + "read", { method: "POST", body: "x" }).then(yes, no);
                const sent = await fetch(target + "read", { method: "POST", body: "x", mode: "no-cors" }).then(yes, no);
                const got = await fetch(target + "static/shared.js", { mode: "no-cors" }).then(yes, no);
                const heard = await new Promise((done) => {
                    const socket = new WebSocket(target.replace("http", "ws") + "live");
                    socket.onmessage = () => done("heard");
                    socket.onerror = () => done("no");
                });
                const frame = document.createElement("iframe");
                frame.src = target;
                const loaded = new Promise((done) => (frame.onload = done));
                document.body.append(frame);
                await loaded;
                return [asked, sent, got, heard];
            }""",
            program.address,
        )
        assert told == ["no"] * 4
        assert page.frames[1].url.startswith("chrome-error:")  # CSP: no other page frames it
        page.close()
        server.shutdown()


def test_without_the_program_the_page_says_so_and_goes_on_with_the_next_one(browser, tmp_path):
    with Program("digit_recognition", cwd=tmp_path, port=8360) as first:
        page = open_page(browser, first.address)
        assert first.stop()[0] == 130
        text_becomes(page, "#status", "The program has ended")
        draw(page, SEVEN[0])
        text_becomes(page, "#error", "The program does not answer")
        with Program("digit_recognition", cwd=tmp_path, port=8360) as second:
            assert second.address == first.address
            text_becomes(page, "#status", "Ready")
            text_becomes(page, "#text", "7")  # what was drawn meanwhile
            assert page.text_content("#error") == ""
            drop(page, SUMS)
            text_becomes(page, "#text", "12 30 42")
        page.context.close()
