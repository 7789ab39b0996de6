"""A page's camera and its connection to the program in Chromium: started anew, left too early, another program's."""

import pytest
from browsing import open_page, text_becomes, until
from chromium_or_skip import chromium
from web_program import Program, Sizes, served

LOOPS = """
const video = HTMLVideoElement.prototype, ask = video.requestVideoFrameCallback;
window.waiting = 0;
video.requestVideoFrameCallback = function (next) {
    window.waiting += 1;
    return ask.call(this, (...told) => {
        window.waiting -= 1;
        next(...told);
    });
};
"""  # counts who waits for the next frame
SLOW = """
HTMLMediaElement.prototype.play = () => new Promise((_, refuse) =>
    setTimeout(() => refuse(new DOMException("The play() request was interrupted", "AbortError")), 300));
"""  # a camera that is left before its first frame


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


def test_a_camera_that_is_started_anew_is_watched_once(browser):
    with served(Sizes()) as port:
        page = open_page(browser, f"http://127.0.0.1:{port}/", script=LOOPS)
        page.click("#tab-camera")
        for _ in range(3):
            page.click("#start")
            text_becomes(page, "#start", "Stop camera")
            page.click("#start")
        page.click("#start")
        text_becomes(page, "#start", "Stop camera")
        page.wait_for_timeout(600)
        assert page.evaluate("window.waiting") == 1
        page.context.close()


def test_a_camera_that_is_left_while_it_starts_is_no_error(browser):
    with served(Sizes()) as port:
        page = open_page(browser, f"http://127.0.0.1:{port}/", script=SLOW)
        page.click("#tab-camera")
        page.click("#start")
        until(page, "document.querySelector('#video').srcObject !== null")
        page.click("#tab-draw")
        page.wait_for_timeout(500)
        assert page.text_content("#error") == "" and page.text_content("#start") == "Start camera"
        page.context.close()


def test_a_page_goes_on_with_one_connection_whatever_tab_was_chosen_meanwhile(browser, tmp_path):
    with Program("cifar_recognition", cwd=tmp_path, port=8430) as first:
        page, sockets = open_page(browser, first.address), []
        page.on("websocket", lambda socket: sockets.append(socket))
        first.stop()
        text_becomes(page, "#status", "The program has ended")
        page.click("#tab-own")
    with Program("cifar_recognition", cwd=tmp_path, port=8430):
        text_becomes(page, "#status", "Ready")
        page.wait_for_timeout(2500)
        assert sum(not socket.is_closed() for socket in sockets) == 1
        page.context.close()


def test_another_pages_program_at_the_same_address_brings_its_page(browser, tmp_path):
    with Program("cifar_recognition", cwd=tmp_path, port=8440) as first:
        page = open_page(browser, first.address)
        first.stop()
        text_becomes(page, "#status", "The program has ended")
    with Program("digit_recognition", cwd=tmp_path, port=8440):
        text_becomes(page, "h1", "Digits")
        text_becomes(page, "#status", "Ready")
        page.context.close()
