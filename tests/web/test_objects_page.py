"""The page of objects in Chromium: photos, camera, teaching it own classes, whose model the scripts then know."""

import json
import shutil

import cv2
import numpy as np
import pytest
from browsing import DESK, PHONE, drop, looks_good, open_page, text_becomes, until
from chromium_or_skip import chromium
from conftest import copy_project
from web_program import Program

from recognition.files import ROOT

SHIP = ROOT / "data" / "samples" / "objects" / "ship.jpg"
CAMERA = """
const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
const context = canvas.getContext("2d");
window.shown = 0;
setInterval(() => {
    context.fillStyle = `hsl(${window.shown}, 80%, ${40 + 10 * Math.random()}%)`;
    context.fillRect(0, 0, 640, 480);
    context.fillStyle = `hsl(${window.shown}, 80%, 70%)`;
    for (let k = 0; k < 9; k++) context.fillRect(600 * Math.random(), 440 * Math.random(), 90, 90);
}, 50);
navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(20);
"""  # a camera that shows coloured squares, of the hue that `shown` says


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    folder = copy_project(tmp_path_factory.mktemp("clone"), "cifar_recognition")
    shutil.copytree(ROOT / "models", folder / "models", ignore=shutil.ignore_patterns("*.png"))
    return folder


@pytest.fixture(scope="module")
def program(clone):
    with Program("cifar_recognition", "--folder", clone / "data" / "hues", cwd=clone, root=clone, port=8380) as running:
        yield running


def test_photos_are_named_and_explained(browser, program):
    page = open_page(browser, program.address)
    drop(page, SHIP)
    text_becomes(page, "#text", "ship")
    assert page.locator("#top .name").all_inner_texts()[0] == "ship" and page.locator("#top li").count() == 5
    page.check("#explain")
    drop(page, SHIP)
    text_becomes(page, "#results", "What speaks for ship: yellow most; where nothing is yellow, no place alone does.")
    assert page.troubles == []
    page.context.close()


def test_own_classes_are_taught_and_stay(browser, program, clone, script, tmp_path):
    page = open_page(browser, program.address, PHONE, CAMERA)
    page.click("#tab-own")
    page.locator("#fields input").nth(0).fill("red")
    page.locator("#fields input").nth(1).fill("blue")
    page.click("#naming button.main")
    for name, hue in (("red", 0), ("blue", 230)):
        page.evaluate("(hue) => (window.shown = hue)", hue)
        page.wait_for_timeout(300)
        page.locator(f"button[aria-label='Hold to collect images of {name}']").hover()
        page.mouse.down()
        count = "(name) => parseInt(document.querySelector(`[data-name=${name}] .quiet`).textContent)"
        until(page, f"(name) => ({count})(name) >= 6", name)
        page.mouse.up()
    for _ in range(8):  # quickly, as who is impatient does
        page.mouse.down()
        page.mouse.up()
    page.mouse.down()
    page.wait_for_timeout(500)  # each press takes an image; only the last one goes on
    asked = len(page.asked)
    page.wait_for_timeout(1300)
    page.mouse.up()
    assert 0 < sum("/take" in address for address in page.asked[asked:]) <= 13  # one every 130 ms, and no more
    page.click("#train")
    text_becomes(page, "#text", "blue")
    page.click("#change")
    page.click("#more")
    page.locator("#fields input").nth(2).fill("green")
    page.click("#naming button.main")
    text_becomes(page, "#error", "hues is being made: wait till it is saved, then change the classes")
    page.click("#keep")
    page.evaluate("window.shown = 0")
    text_becomes(page, "#text", "red")
    page.click("#start")  # it needs the computer for itself
    text_becomes(page, "#note", "Saved as the model hues.", 240)
    assert not looks_good(page)["wide"] and page.troubles == []
    page.context.close()

    photo = tmp_path / "blue.png"
    cv2.imwrite(str(photo), cv2.imread(str(next((clone / "data" / "hues" / "blue").iterdir()))))
    done = script("cifar_recognition/predict_static.py", photo, "--model", "hues", "--json", root=clone)
    assert json.loads(done.stdout)["top"][0]["label"] == "blue", done.stderr
    assert np.ptp(cv2.imread(str(photo)), axis=2).mean() > 50


def test_classes_are_changed_and_survive_the_program(browser, clone, tmp_path):
    folder = tmp_path / "things"
    (folder / "cup").mkdir(parents=True)
    cv2.imwrite(str(folder / "cup" / "1.png"), np.zeros((90, 90, 3), np.uint8))
    words = ("cifar_recognition", "--folder", folder)
    with Program(*words, cwd=clone, root=clone, port=8390) as first:
        page = open_page(browser, first.address, DESK, CAMERA)
        names = page.locator("#fields input")
        drop(page, SHIP)
        text_becomes(page, "#text", "ship")
        page.click("#tab-own")
        text_becomes(page, "#text", "nothing yet")
        assert [names.nth(k).input_value() for k in range(names.count())] == ["cup", ""]
        names.nth(1).fill("boook")
        page.click("#naming button.main")
        rows = page.locator("#classes .name")
        page.wait_for_selector("#classes li")
        assert rows.all_inner_texts() == ["cup", "boook"]
        page.click("#change")
        names.nth(1).fill("a|b")
        page.click("#naming button.main")
        text_becomes(page, "#error", "the name 'a|b' has a |: choose another one")
        page.click("#keep")
        until(page, "!document.querySelector('#collecting').hidden")
        page.click("#change")
        names.nth(1).fill("book")
        page.click("#more")
        names.nth(2).fill("pen")
        page.click("#naming button.main")
        until(page, "document.querySelectorAll('#classes li').length === 3")
        assert rows.all_inner_texts() == ["cup", "book", "pen"]
        assert page.locator("#classes .quiet").all_inner_texts() == ["1 image", "0 images", "0 images"]
        page.click("#train")
        text_becomes(page, "#note", "book")  # it has no image yet
        first.stop()
        text_becomes(page, "#status", "The program has ended")
        page.click("#train")
        text_becomes(page, "#error", "The program does not answer")
        assert page.text_content("#note") == ""
    with Program(*words, cwd=clone, root=clone, port=8390):
        text_becomes(page, "#status", "Ready")
        page.wait_for_selector("#naming button.main")
        assert [names.nth(k).input_value() for k in range(names.count())] == ["cup", "book", "pen"]
        page.click("#naming button.main")
        until(page, "document.querySelectorAll('#classes li').length === 3")
    assert page.troubles == []
    page.context.close()
