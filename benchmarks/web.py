"""Measure the pages in the browser, in Chromium with a film as its camera, and print the table of docs/measured.md.

    python benchmarks/web.py                          # three quarters of an hour
    python benchmarks/web.py --minutes 1 --photos 6   # quicker and less telling
    python benchmarks/web.py --axe axe.min.js         # of axe-core, which npm fetches otherwise

Needs Chromium and pip install playwright. Photos: data/digit_photos, digit_pages, lfw, object_photos, or data/samples
where these are not there. Timings are only good on an idle machine: what else runs is printed, too.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import accessibility
import browsing
import cv2
import measuring
import numpy as np
import web_attacks
from browsing import PARTS, Server, served

from recognition import settings
from recognition.files import DATA, ROOT
from recognition.media.frames import read_image
from recognition.synthetic import handwriting

IMAGES = (".jpg", ".jpeg", ".png")
FOLDERS = {
    "digits": ("digit_photos", "digit_pages", "digits"),
    "faces": ("lfw", "people"),
    "objects": ("object_photos", "objects"),
}
SAMPLES = {
    part: DATA / "samples" / name
    for part, name in {"digits": "digits/sums.jpg", "faces": "party.jpg", "objects": "objects/ship.jpg"}.items()
}
ANSWERED = """
() => {
    window.changes = [];
    const now = () => performance.timeOrigin + performance.now(), main = document.querySelector("main");
    const seen = new MutationObserver(() => changes.push([now(), main.innerText]));
    seen.observe(main, { childList: true, subtree: true, characterData: true });
    document.addEventListener("pointerup", () => (window.lifted = now()), true);
    document.addEventListener("change", () => (window.chosen = now()), true);
}
"""  # when the page changed, and to what; when the pen was lifted, a photo chosen: ms since 1970


@dataclass
class Config:
    photos: int = 60  # a third of each part
    minutes: float = 10.0  # that eight tabs of each part are open
    uploads: int = 500  # hostile ones
    seconds: float = 8.0  # that each camera runs
    axe: Path | None = None  # axe.min.js of axe-core


def arguments_of(part: str, folder: Path) -> list:
    """Return what a script of a part is started with, such that nothing of the user's is touched."""
    if part == "objects":
        return ["--folder", folder / "own"]
    return ["--faces", folder / "people"] if part == "faces" else []


def photos_of(part: str, count: int) -> list[Path]:
    """Return photos of a part, from all over its folder."""
    *wanted, sample = FOLDERS[part]
    folders = [DATA / name for name in wanted if (DATA / name).exists()] or [DATA / "samples" / sample]
    found = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in IMAGES)
    return [found[k] for k in np.unique(np.linspace(0, len(found) - 1, count).astype(int))]


def told(part: str, line: dict) -> list[str]:
    """Return what a page shows of a line of JSON."""
    if part == "digits":
        return [line["text"] or "no digit"]
    if part == "objects":
        return [line["top"][0]["label"] if line["known"] else "none of these", *(one["label"] for one in line["top"])]
    faces = sorted(line["faces"], key=lambda one: one["box"][0])
    return [one["name"] or (f"perhaps {one['perhaps']}" if one["perhaps"] else "unknown") for one in faces]


def shown(part: str, page) -> list[str]:
    """Return what a page shows."""
    selector = {"digits": "#no", "faces": "#names .name", "objects": "#top .name"}[part]
    names = page.locator(selector).all_inner_texts()
    return names if part == "faces" else [page.inner_text("#text"), *names]


def same_answers(
    browser, part: str, server: Server, photos: list[Path], arguments: list
) -> tuple[int, list[float], list[float]]:
    """Return of how many photos the page shows what --json prints, after how many seconds it shows it, and after how
    many the program answers without a page."""
    script = [sys.executable, ROOT / PARTS[part] / "predict_static.py", *photos, "--json"]
    script += arguments if part == "faces" else []
    done = subprocess.run([*map(str, script)], capture_output=True, text=True, check=True)
    lines = [line for line in map(json.loads, done.stdout.splitlines()) if line["frame"] == 0]
    page, same, seconds, alone = browsing.open_page(browser, server.address), 0, [], []
    for photo, line in zip(photos, lines, strict=True):
        page.evaluate("() => document.querySelector('#results').replaceChildren()")
        page.evaluate(ANSWERED)
        page.set_input_files("#files", photo)
        page.wait_for_selector("#results figure")
        seconds.append(page.evaluate("() => changes.at(-1)[0] - chosen") / 1000)
        same += shown(part, page) == told(part, line)
        begun = time.monotonic()
        server.ask("read", photo.read_bytes(), name=photo.name)
        alone.append(time.monotonic() - begun)
    page.context.close()
    return same, seconds, alone


def seconds_to_page(browser, part: str, arguments: list) -> float:
    """Return the seconds from the start of the script till the page is drawn."""
    with served(part, *arguments) as server:
        page = browser.new_page()
        page.goto(server.address)
        paint = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        browsing.until(page, paint)
        drawn = page.evaluate(f"() => performance.timeOrigin + ({paint})()")
        page.close()
        return drawn / 1000 - server.started


def drawing_seconds(browser, server: Server) -> tuple[float, int, int]:
    """Return the median seconds from pen-up till the answer, and how many of how many drawn digits were read."""
    rng, page = np.random.default_rng(0), browsing.open_page(browser, server.address)
    page.evaluate(ANSWERED)
    seconds, right = [], 0
    for digit in [*"0123456789"] * 2:
        strokes = handwriting.write(digit, rng)
        points = np.concatenate(strokes)
        low, side = points.min(0), np.ptp(points, 0).max()
        for stroke in strokes:
            browsing.draw(page, [(0.35 + 0.35 * x, 0.2 + 0.6 * y) for x, y in (stroke - low) / side])
        page.wait_for_timeout(700)  # till all is answered
        lifted, changes = page.evaluate("() => [lifted, changes]")
        answers = [when for when, text in changes if when > lifted and text == changes[-1][1]]
        seconds.append((answers[0] - lifted) / 1000 if answers else 0.0)  # or it was there before
        right += page.inner_text("#text") == digit
        page.click("#clear")
        page.wait_for_timeout(200)
        page.evaluate("() => (changes.length = 0)")
    page.context.close()
    return statistics.median(seconds), right, len(seconds)


def live(browser, server: Server, seconds: float) -> tuple[float, float]:
    """Return the answers a second that a camera gets, and the median age of an answer in ms when it is shown."""
    page = browsing.open_page(browser, server.address)
    page.click("#tab-camera")
    page.click("#start")
    page.wait_for_timeout(2500)
    rates, ages = [], []
    for _ in range(round(4 * seconds)):
        page.wait_for_timeout(250)
        rate, age = page.evaluate("() => document.querySelector('#rate').textContent.match(/\\d+/g) ?? [0, 0]")
        rates.append(float(rate))
        ages.append(float(age))
    page.context.close()
    return statistics.mean(rates), statistics.median(ages)


def weight(browser, server: Server) -> float:
    """Return the kilobytes that a page loads."""
    page, answers = browser.new_context().new_page(), []
    page.on("response", lambda answer: answers.append(answer))  # Playwright takes no method of a list
    page.goto(server.address)
    page.wait_for_selector("body[data-state=ready]")
    kilobytes = sum(len(answer.body()) for answer in answers) / 1000
    page.context.close()
    return kilobytes


def eight_tabs(browser, server: Server, minutes: float) -> tuple[float, float]:
    """Return how far the server's memory strays while eight tabs look into the camera, and what it is, in MB."""
    pages = [browsing.open_page(browser, server.address) for _ in range(8)]
    for page in pages:
        page.click("#tab-camera")
        page.click("#start")
    held, end = [], time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        pages[0].wait_for_timeout(1000)
        held.append(server.megabytes())
    for page in pages:
        assert not page.troubles and "answers a second" in page.inner_text("#rate"), page.troubles
        page.context.close()
    settled = np.array(held[len(held) // 10 :])
    return float(np.abs(settled / settled[: len(settled) // 10 + 1].mean() - 1).max()), settled[-1]


def film_of(part: str, folder: Path) -> Path:
    """Write a camera's film, 640x480, of a sample that moves a little."""
    photo = DATA / "samples" / "people" / "Ada" / "1.jpg" if part == "faces" else SAMPLES[part]
    image = cv2.resize(read_image(photo), (680, 510))
    shifts = [(round(20 + 15 * np.sin(k / 5)), round(15 + 10 * np.cos(k / 7))) for k in range(90)]
    frames = [np.ascontiguousarray(image[y : y + 480, x : x + 640]) for x, y in shifts]
    return browsing.save_film(folder / f"{part}.mjpeg", frames)


def main(config: Config) -> None:
    axe, folder = accessibility.axe_source(config.axe), Path(tempfile.mkdtemp())
    shutil.copytree(DATA / "samples" / "people", folder / "people")
    same, starts, firsts, rates, weights, stray, attacked, found, asked = 0, [], [], [], [], [], [], [], []
    total, answers = 0, []
    for part in PARTS:
        arguments, photos = arguments_of(part, folder), photos_of(part, config.photos // 3)
        total += len(photos)
        with browsing.chromium(film_of(part, folder)) as browser:
            browser.new_page().close()
            starts.append(statistics.median(seconds_to_page(browser, part, arguments) for _ in range(3)))
            with served(part, *arguments) as server:
                equal, seconds, alone = same_answers(browser, part, server, photos, arguments)
                same += equal
                firsts.append(statistics.median(seconds))
                answers.append(statistics.median(alone))
                if part == "digits":
                    pen_up, right, drawn = drawing_seconds(browser, server)
                rates.append(live(browser, server, config.seconds))
                weights.append(weight(browser, server))
                stray.append(eight_tabs(browser, server, config.minutes))
                attacked.append(web_attacks.attacks(server, config.uploads // len(PARTS), SAMPLES[part].read_bytes()))
                found += [
                    f"{part} {one}" for one in accessibility.violations(browser, part, server, axe, SAMPLES[part])
                ]
                page = browsing.open_page(browser, server.address)
                page.wait_for_timeout(500)
                asked += [one for one in page.asked if not one.startswith((server.address, "blob:", "data:"))]
        settings.say(f"{part}: {equal} of {len(photos)} the same; {rates[-1]}, {stray[-1]}, {attacked[-1]}")
    refused, read, neither, crashes = (sum(column) for column in zip(*attacked, strict=True))
    uploads, each = refused + read + neither, " / ".join
    weighed, strays = each(f"{one:.0f}" for one in weights), each(f"{one:.1%}" for one, _ in stray)
    print_rows(
        [
            (f"page and `--json` on {total} photos: same text, names, classes", f"{total} of {total}", f"{same}"),
            ("start to page drawn, s (digits / faces / objects)", "≤ 1.5", each(f"{one:.2f}" for one in starts)),
            (
                "upload to answer, median of the photos, s",
                "≤ 0.3",
                each(f"{one:.2f}" for one in firsts),
                each(f"{one:.2f}" for one in answers) + " without a page",
            ),
            ("drawing: pen-up to answer, ms", "≤ 60", f"{1000 * pen_up:.0f} ({right} of {drawn} digits read)"),
            ("camera 640x480: answers a second", "≥ 15", each(f"{rate:.0f}" for rate, _ in rates)),
            ("camera: age of an answer when it is shown, ms", "≤ 150", each(f"{age:.0f}" for _, age in rates)),
            ("page weight, KB; requests to other hosts", "≤ 150; 0", f"{weighed}; {len(asked)}"),
            (f"8 tabs, {config.minutes:g} minutes each: memory strays", "± 5 %", strays),
            (
                f"{uploads} hostile uploads: crashes; not one line",
                "0; 0",
                f"{crashes}; {neither} ({read} were read after all)",
            ),
            ("axe-core: violations", "0", str(len(found))),
        ]
    )
    print("\n".join(found))
    shutil.rmtree(folder)


def print_rows(rows: list[tuple[str, ...]]) -> None:
    """Print the table, (title, required, measured[, yardstick]), and what else the machine had to do."""
    cores, load = os.cpu_count(), os.getloadavg()[2]
    versions = {"machine": f"{sys.platform}, {cores} cores", "python": sys.version.split()[0]}
    table = [(title, *(yardstick or ["-"]), required, measured) for title, required, measured, *yardstick in rows]
    measuring.print_table(table, versions)
    print(f"load over the last quarter of an hour: {load:.1f} of {cores}")


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
