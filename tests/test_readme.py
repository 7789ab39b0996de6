"""What the README prints runs as printed, on the pictures that come with the repository; links lead somewhere."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import copy_project, script_environment
from web_program import Program, ask

from recognition.files import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = [
    line.split(" #")[0].strip() for block in re.findall(r"```sh\n(.*?)```", README, re.S) for line in block.splitlines()
]
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.S)
SLOW = ("train.py", "train_photos.py", "evaluate.py", "explore.py")  # these train, or need a dataset
SERVES = "web.py"
LIVE = ("webcam.py", "hand_tracking.py")


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """Return a copy of the project as a clone has it, in a folder with a space, beside networks downloaded before."""
    parts = ("digit_recognition", "face_recognition", "cifar_recognition", "data/samples")
    folder = copy_project(tmp_path_factory.mktemp("a user's") / "my clone", *parts)
    (folder / "models").mkdir()
    for name in ("digits*", "pages*", "photos*", "cifar10*"):
        for path in (ROOT / "models").glob(name):
            shutil.copy(path, folder / "models")
    if (ROOT / "data" / "models").exists():
        shutil.copytree(ROOT / "data" / "models", folder / "data" / "models", dirs_exist_ok=True)
    return folder


def run(clone: Path, *words: str) -> subprocess.CompletedProcess:
    environment = script_environment(clone)
    return subprocess.run(
        [sys.executable, *words], cwd=clone, env=environment, capture_output=True, text=True, timeout=240
    )


def test_the_set_up_is_two_commands_and_ci_runs_them():
    ci = (ROOT / ".ci" / "run").read_text()
    assert [command for command in COMMANDS if not command.startswith("python ") or "venv" in command] == COMMANDS[:2]
    assert all(command in ci for command in COMMANDS[:2])
    assert len(README.splitlines()) <= 220


def test_the_commands_run_as_printed(clone):
    printed = ""
    for command in COMMANDS[2:]:
        words = command.split()[1:]
        assert (ROOT / words[0]).exists(), command
        if words[0].endswith(SLOW):
            assert run(clone, *words, "--help").returncode == 0, command
        elif words[0].endswith(SERVES):
            with Program(words[0].split("/")[0], cwd=clone, root=clone) as program:
                assert ask(program.port, "/")[0] == 200, command
        elif words[0].endswith(LIVE):
            if Path("/dev/video0").exists():
                continue
            done = run(clone, *words)
            assert done.returncode == 1 and done.stderr.startswith("error: "), (command, done.stderr)
            assert done.stderr.count("\n") == 1, done.stderr
        else:
            done = run(clone, *words)
            assert done.returncode == 0, (command, done.stdout, done.stderr)
            printed += done.stdout
    for told in ("chalkboard.jpg: 14142 / 13562", "graph.jpg: 271828 / 182845 / 904523"):
        assert told in printed.replace("\\", "/")
    for told in ("Cleo/1.jpg: enrolled as Cleo", "party.jpg: Ada, Ben, Cleo, unknown"):
        assert told in printed.replace("\\", "/")
    for told in ("ship.jpg: ship 9", "fruit: 100.00%", "banana.jpg: banana 9"):
        assert told in printed

    answers = [run(clone, "-c", snippet) for snippet in SNIPPETS]
    assert [answer.returncode for answer in answers] == [0] * 4, [answer.stderr for answer in answers]
    digits, people, ship, apple = (answer.stdout.strip() for answer in answers)
    assert digits.replace("-", " ") == "12 30 42\n56 14 42"  # the minus is kept, and = is taken for one
    assert sorted(re.findall(r"\w+", people)) == ["Ada", "Ben", "Cleo", "None"]
    assert ship.startswith("ship 9") and apple == "apple"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), target
        if anchor:
            heads = re.findall(r"(?m)^#+ (.*)$", linked.read_text(encoding="utf-8"))
            assert anchor in {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}, target


def test_every_file_that_is_named_is_there():
    """Scripts, modules and folders of the project, wherever a page names one."""
    for page in PAGES:
        for name in re.findall(
            r"`((?:recognition|benchmarks|tests|\w+_recognition)/[\w/.]*)`", page.read_text(encoding="utf-8")
        ):
            assert (ROOT / name).exists(), (page.name, name)
