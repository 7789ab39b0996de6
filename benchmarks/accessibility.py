"""What axe-core finds wrong with the pages for users of keyboards and screen readers, and weak eyes; see web.py."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import browsing
from browsing import Server

from recognition import settings

TABS = {"digits": ("draw", "photos", "camera"), "faces": ("photos", "camera"), "objects": ("photos", "camera", "own")}


def axe_source(path: Path | None) -> str:
    """Return axe-core as a script, of a file or from npm."""
    if path:
        return path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        npm = shutil.which("npm")
        if npm is None:
            raise settings.UserError("npm is not installed: name axe.min.js of axe-core with --axe", 2)
        subprocess.run([npm, "install", "--prefix", folder, "axe-core"], check=True, capture_output=True)
        return (Path(folder) / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def violations(browser, part: str, server: Server, axe: str, photo: Path) -> list[str]:
    """Return what axe-core finds wrong with a page, light and dark, wide and narrow, with every tab and an answer."""
    found = []
    for scheme in ("light", "dark"):
        for viewport in (browsing.DESK, browsing.PHONE):
            page = browsing.open_page(browser, server.address, viewport, color_scheme=scheme)
            page.set_input_files("#files", photo)
            page.wait_for_selector("#results figure")
            states = [*TABS[part]]
            if part == "digits":
                page.click("#look summary")
                page.wait_for_selector("#probabilities li")
            page.evaluate(axe)
            for tab in states:
                page.click(f"#tab-{tab}")
                found += wrong(page, f"{scheme} {tab}")
            if part == "faces":
                page.click("#tab-photos")
                page.locator("#results .box").first.click()
                found += wrong(page, f"{scheme} dialog")
            page.context.close()
    return found


def wrong(page, where: str) -> list[str]:
    """Return the violations that axe-core sees now."""
    result = page.evaluate("async () => (await axe.run()).violations.map((one) => [one.id, one.nodes[0].html])")
    return [f"{where}: {name}: {html}" for name, html in result]
