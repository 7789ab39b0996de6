"""The page of faces in Chromium: photos, camera, enrolling with consent, renaming, forgetting."""

import json

import cv2
import numpy as np
import pytest
from browsing import PHONE, drop, looks_good, open_page, save_film, text_becomes, until
from chromium_or_skip import chromium
from web_program import Program, ask

from recognition.files import ROOT

PARTY = ROOT / "data" / "samples" / "party.jpg"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    frame = np.full((480, 640, 3), 128, np.uint8)
    frame[:, :480] = cv2.resize(cv2.imread(str(PARTY))[:, :320], (480, 480))  # the first of four who stand side by side
    with chromium(save_film(tmp_path_factory.mktemp("film") / "party.mjpeg", [frame] * 30)) as running:
        yield running


@pytest.fixture
def program(tmp_path):
    (tmp_path / "faces").mkdir()
    with Program("face_recognition", "--faces", tmp_path / "faces", cwd=tmp_path, port=8370) as running:
        yield running


def enrol(page, layer: str, name: str, asked: bool) -> None:
    page.locator(f"{layer} .box.none").first.click()
    page.fill("dialog input[type=text]", name)
    tick = page.locator("dialog input[type=checkbox]")
    assert tick.count() == asked
    if asked:
        page.click("dialog button.main")
        assert page.is_visible("dialog")  # nothing is done without consent
        tick.check()
    page.click("dialog button.main")
    page.wait_for_selector(f"#people .name:text-is('{name}')")


def test_faces_are_enrolled_by_a_click_and_looked_after(browser, program, tmp_path):
    page, folder = open_page(browser, program.address), tmp_path / "faces"
    assert page.is_visible("#nobody")
    drop(page, PARTY)
    text_becomes(page, "#text", "4 unknown")
    page.locator("#results .box").first.click()
    page.click("dialog button:text-is('Cancel')")
    assert list(folder.glob("*/*")) == []
    enrol(page, "#results", "Ada", asked=True)
    text_becomes(page, "#text", "Ada, 3 unknown")
    enrol(page, "#results", "Ben", asked=False)
    text_becomes(page, "#text", "2 unknown")
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["Ada", "Ben"]
    until(page, "[...document.querySelectorAll('#people img')].every((one) => one.naturalWidth === 96)")

    page.locator("#results .box", has_text="Ada").click()  # the same picture once more
    page.click("dialog button.main")
    text_becomes(page, "#error", "already there")

    page.click("button[aria-label='Rename Ben']")
    page.fill("dialog input[type=text]", "Benjamin")
    page.click("dialog button.main")
    text_becomes(page, "#text", "Benjamin")
    page.click("button[aria-label='Rename Benjamin']")
    page.fill("dialog input[type=text]", "ada")
    page.click("dialog button.main")
    page.click("dialog button:text-is('Put together')")
    assert "Benjamin and Ada look like two people" in page.inner_text("dialog:has-text('Are you sure?') p")
    page.click("dialog button:text-is('Cancel')")
    assert (folder / "Benjamin").exists()

    page.click("button[aria-label='Forget Ada']")
    page.click("dialog button:text-is('Cancel')")
    assert (folder / "Ada").exists()
    page.click("button[aria-label='Forget Ada']")
    page.click("dialog button.main")
    text_becomes(page, "#text", "3 unknown")
    assert not (folder / "Ada").exists() and (folder / "Benjamin").exists()
    assert page.locator("#people .name").all_inner_texts() == ["Benjamin"]
    assert page.troubles == []
    page.context.close()


def test_a_name_that_is_free_again_has_the_new_face(browser, program):
    page = open_page(browser, program.address)
    portrait = """async () => {
        const image = document.querySelector("#people img"), canvas = document.createElement("canvas");
        await image.decode();
        canvas.getContext("2d").drawImage(image, 0, 0);
        return canvas.toDataURL();
    }"""
    drop(page, PARTY)
    text_becomes(page, "#text", "4 unknown")
    faces = []
    for k in range(2):
        page.locator("#results .box.none").nth(k).click()
        page.fill("dialog input[type=text]", "Ada")
        for tick in page.locator("dialog input[type=checkbox]").all():
            tick.check()
        page.click("dialog button.main")
        text_becomes(page, "#text", "Ada, 3 unknown" if k == 0 else "Ada")
        until(page, "document.querySelector('#people img')?.naturalWidth === 96")
        faces.append(page.evaluate(portrait))
        page.click("button[aria-label='Forget Ada']")
        page.click("dialog button.main")
        text_becomes(page, "#text", "4 unknown")
    assert faces[0] != faces[1]
    page.context.close()


def test_a_face_on_the_second_page_is_enrolled_from_there(browser, program, tmp_path):
    from PIL import Image

    page, path = open_page(browser, program.address), tmp_path / "album.tiff"
    Image.new("RGB", (300, 200), "gray").save(path, save_all=True, append_images=[Image.open(PARTY)])
    page.set_input_files("#files", path)
    text_becomes(page, "#text", "4 unknown")
    enrol(page, "#results", "Ada", asked=True)
    text_becomes(page, "#text", "Ada, 3 unknown")
    assert page.locator("#results figure").count() == 2
    assert page.locator("#results figure").nth(1).locator(".box", has_text="Ada").count() == 1
    assert page.troubles == []
    page.context.close()


def test_older_photos_and_other_pages_learn_of_a_new_name(browser, program, tmp_path):
    page, other = (open_page(browser, program.address) for _ in range(2))
    single = tmp_path / "left.png"
    cv2.imwrite(str(single), cv2.imread(str(PARTY))[:, :320])
    drop(page, PARTY)
    text_becomes(page, "#text", "4 unknown")
    drop(page, single)
    text_becomes(page, "#text", "one unknown")
    leftmost = "(boxes) => boxes.sort((a, b) => parseFloat(a.style.left) - parseFloat(b.style.left))[0].click()"
    page.locator("#results figure").nth(1).locator(".box").evaluate_all(leftmost)
    page.fill("dialog input[type=text]", "Ada")
    page.locator("dialog input[type=checkbox]").check()
    page.click("dialog button.main")
    text_becomes(page, "#text", "Ada")
    figures = page.locator("#results figure")
    assert [figures.nth(k).locator(".box", has_text="Ada").count() for k in range(2)] == [1, 1]
    assert page.text_content("#text") == "Ada"
    assert other.locator("#people .name").count() == 0
    drop(other, PARTY)
    text_becomes(other, "#text", "Ada, 3 unknown")
    page.click("button[aria-label='Forget Ada']")
    page.click("dialog button.main")
    text_becomes(page, "#text", "one unknown")
    other.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as when the user comes back to it
    text_becomes(other, "#text", "4 unknown")
    assert other.locator("#people .name").count() == 0
    for one in (page, other):
        assert one.troubles == []
        one.context.close()


def test_whoever_is_before_the_camera_is_enrolled_and_named(browser, program):
    page = open_page(browser, program.address, PHONE, color_scheme="dark")
    page.click("#tab-camera")
    page.click("#start")
    page.wait_for_selector("#video-boxes .box.none")
    drop(page, PARTY)
    text_becomes(page, "#text", "4 unknown")
    page.click("#tab-camera")
    page.click("#start")
    enrol(page, "#video-boxes", "Cleo", asked=True)
    text_becomes(page, "#text", "Cleo")
    page.wait_for_selector("#results .box:has-text('Cleo')", state="attached")
    looks = looks_good(page)
    assert not looks["wide"] and looks["paper"] < 60 and looks["ink"] > 200
    assert page.troubles == []
    page.context.close()


def test_who_comes_back_to_the_page_has_photos_looked_at_again_only_if_somebody_is_new(browser, program):
    page = open_page(browser, program.address)
    page.set_input_files("#files", [PARTY] * 6)
    until(page, "document.querySelectorAll('#results figure').length === 6")
    page.wait_for_timeout(500)
    come_back = "for (let k = 0; k < 8; k++) document.dispatchEvent(new Event('visibilitychange'))"
    page.asked.clear()
    page.evaluate(come_back)
    page.wait_for_timeout(1000)
    assert len(page.asked) == 8 and not [address for address in page.asked if "/read" in address]
    box = json.loads(ask(program.port, "/read", PARTY.read_bytes())[2])["faces"][0]["box"]
    ask(program.port, f"/enroll?name=Ada&consent=yes&box={','.join(map(str, box))}", PARTY.read_bytes())
    page.evaluate(come_back)
    text_becomes(page, "#text", "Ada")
    page.wait_for_timeout(1000)
    assert len([address for address in page.asked if "/read" in address]) == 6
    page.context.close()


def test_a_photo_that_is_gone_does_not_keep_the_others_from_a_new_name(browser, program, tmp_path):
    page, gone = open_page(browser, program.address), tmp_path / "gone.jpg"
    gone.write_bytes(PARTY.read_bytes())
    page.set_input_files("#files", [gone, PARTY])
    until(page, "document.querySelectorAll('#results figure').length === 2")
    text_becomes(page, "#text", "4 unknown")
    gone.unlink()
    enrol(page, "#results", "Ada", asked=True)
    text_becomes(page, "#text", "Ada, 3 unknown")
    text_becomes(page, "#error", "gone.jpg: the browser cannot read it")
    page.context.close()


def test_a_picture_pasted_into_a_name_is_no_photo(browser, program):
    page = open_page(browser, program.address)
    paste = """([selector, bytes]) => {
        const clipboardData = new DataTransfer();
        clipboardData.items.add(new File([new Uint8Array(bytes)], "pasted.jpg", { type: "image/jpeg" }));
        document.querySelector(selector).dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
    }"""
    page.evaluate(paste, ["body", list(PARTY.read_bytes())])
    text_becomes(page, "#text", "4 unknown")
    page.locator("#results .box.none").first.click()
    page.evaluate(paste, ["dialog input[type=text]", list(PARTY.read_bytes())])
    page.wait_for_timeout(200)
    assert page.text_content("#progress") == "" and page.locator("#results figure").count() == 1
    page.context.close()


def test_a_long_name_at_the_edge_stays_in_the_picture(browser, program):
    page = open_page(browser, program.address, PHONE)
    drop(page, PARTY)
    text_becomes(page, "#text", "4 unknown")
    place = "(boxes) => boxes.sort((a, b) => parseFloat(a.style.left) - parseFloat(b.style.left)).at({}).click()"
    for k, name in ((-1, "Maximiliane von Hohenstein zu Niederhausen und Oberhausen"), (0, "Max " * 20)):
        page.locator("#results .box").evaluate_all(place.format(k))
        page.fill("dialog input[type=text]", name)
        for tick in page.locator("dialog input[type=checkbox]").all():
            tick.check()
        page.click("dialog button.main")
        label = page.locator("#results .box span", has_text=name.strip())
        label.wait_for()
        inner, outer = label.bounding_box(), page.locator("#results .stage").bounding_box()
        assert outer["x"] <= inner["x"] and inner["x"] + inner["width"] <= outer["x"] + outer["width"]
        assert inner["width"] > outer["width"] / 3
    page.context.close()
