"""Measure the house: how the tree of the code is built, and that it does what it did, beside an earlier state.

    python benchmarks/house.py                    # prints the table of docs/measured.md (five minutes)
    python benchmarks/house.py --before HEAD~20   # another state to compare with; "" for none
    python benchmarks/house.py --quick            # the tree alone, in seconds

Reads the scripts, recognition/ and README.md, models/, and, where they are there, data/mnist.npz, data/cifar10.npz and
data/samples. The earlier state is taken from git into a temporary folder, with today's data beside it.
"""

import ast
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

import measuring

from recognition import settings
from recognition.files import ROOT

SCRIPTS = ("digit_recognition", "face_recognition", "cifar_recognition")
PARTS = {  # the rooms that belong to one part alone
    "digit_recognition": ("digits", "air_writing"),
    "face_recognition": ("detectors", "embeddings", "faces", "people", "shared", "library"),
    "cifar_recognition": ("objects",),
}
ROOMS = "094cf71"  # the state in which the rooms were new: what was a file then may be several today
LOADED = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("script", sys.argv[1])
sys.modules["script"] = module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(json.dumps([module.__file__ for name, module in sys.modules.items() if name.startswith("recognition.")]))
"""


@dataclass
class Config:
    before: str = "d0105c9"  # state of git to compare with, by default the last one before there were rooms
    quick: bool = False  # without seconds and accuracies
    runs: int = 9  # starts of each script


def python_files(root: Path) -> dict[str, Path]:
    """Return the modules of the package and the scripts, by their names."""
    files = [path for folder in ("recognition", *SCRIPTS) for path in sorted((root / folder).rglob("*.py"))]
    return {".".join(path.relative_to(root).with_suffix("").parts): path for path in files}


def imports(path: Path, early: bool = False) -> set[str]:
    """Return what a file imports, modules and names in them; `early`: only what it imports when it is imported."""
    nodes, found = [ast.parse(path.read_text(encoding="utf-8"))], set()
    while nodes:
        node = nodes.pop()
        if early and isinstance(node, ast.FunctionDef):
            continue
        nodes += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def file_graph(root: Path) -> dict[str, set[str]]:
    """Return which modules each module imports, at once or later, of the package and the scripts."""
    files = python_files(root)
    return {name: imports(path) & files.keys() - {name} for name, path in files.items()}


def room_of(module: str) -> str:
    """Return the folder of a module, the outer one of two; what lies in recognition/ itself is a room of its own."""
    parts = module.split(".")
    return ".".join(parts[:2] if parts[0] == "recognition" else parts[:-1])


def room_graph(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return which rooms each room imports from."""
    rooms: dict[str, set[str]] = {room_of(module): set() for module in graph}
    for module, others in graph.items():
        rooms[room_of(module)] |= {room_of(other) for other in others} - {room_of(module)}
    return rooms


def reached(graph: dict[str, set[str]], start: str) -> set[str]:
    """Return all nodes that a node leads to; itself, too, if there is a way back."""
    found, waiting = set(), [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def circles(graph: dict[str, set[str]]) -> set[frozenset[str]]:
    """Return the groups of nodes that lead to one another."""
    ways = {node: reached(graph, node) for node in graph}
    return {
        frozenset({node, *(other for other in ways[node] if node in ways[other])})
        for node in graph
        if node in ways[node]
    }


def longest_chain(graph: dict[str, set[str]]) -> list[str]:
    """Return the longest chain of nodes, each of which leads to the next; a circle counts as one."""
    whole = {node: min(group) for group in circles(graph) for node in group}
    merged: dict[str, set[str]] = {}
    for node, others in graph.items():
        own = whole.get(node, node)
        merged[own] = merged.get(own, set()) | {whole.get(other, other) for other in others} - {own}
    chains: dict[str, list[str]] = {}

    def chain(node: str) -> list[str]:
        if node not in chains:
            chains[node] = [node, *max(map(chain, merged[node]), key=len, default=[])]
        return chains[node]

    return max(map(chain, merged), key=len)


def largest_folder(root: Path) -> int:
    """Return the number of modules in the fullest folder of recognition/."""
    folders = [path.parent for path in (root / "recognition").rglob("*.py") if path.name != "__init__.py"]
    return max(map(folders.count, folders))


def foreign_modules(root: Path, script: str, moved: dict[str, str]) -> set[str]:
    """Return the modules of other parts that a script loads when it starts; `moved`: where files are today."""
    environment = os.environ | {"PYTHONPATH": str(root)}
    command = [sys.executable, "-P", "-c", LOADED, str(root / script)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    loaded = [str(Path(path).relative_to(root)) for path in json.loads(done.stdout)]
    own = script.split("/")[0]
    foreign = {room for part, rooms in PARTS.items() if part != own for room in rooms}
    return {path for path in loaded if Path(moved.get(path, path)).parts[1] in foreign}


def lines(paths: list[Path]) -> int:
    """Return the number of lines of files."""
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


def code_lines(paths: list[Path]) -> int:
    """Return the number of lines of files without imports, docstrings, comments and blank lines."""
    count = 0
    for path in paths:
        text = path.read_text(encoding="utf-8")
        left = {n for n, line in enumerate(text.splitlines(), 1) if line.strip() and not line.strip().startswith("#")}
        for node in ast.walk(ast.parse(text)):
            told = (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            )
            if told or isinstance(node, ast.Import | ast.ImportFrom):
                left -= set(range(node.lineno, node.end_lineno + 1))
        count += len(left)
    return count


def tree_rows(root: Path, moved: dict[str, str]) -> list[str]:
    """Return what the tree is like, a text for each row of the table."""
    files = file_graph(root)
    rooms = room_graph(files)
    loads = [
        len(foreign_modules(root, f"{part}/{name}.py", moved))
        for part in SCRIPTS
        for name in ("predict_static", "webcam")
    ]
    trains = [lines([path]) for part in SCRIPTS for path in sorted((root / part).glob("train*.py"))]
    package = lines([*(root / "recognition").rglob("*.py")])
    scripts = lines([path for part in SCRIPTS for path in (root / part).glob("*.py")])
    return [
        f"{largest_folder(root)}; {len(circles(files) | circles(rooms))}; {len(longest_chain(rooms))}",
        f"{min(loads)} to {max(loads)}" if max(loads) else "0",
        f"{package:,} + {scripts:,} = {package + scripts:,}; {code_lines(list(python_files(root).values())):,} of code",
        f"{min(trains)} to {max(trains)}",
        f"{lines([root / 'README.md'])} lines, {(root / 'README.md').stat().st_size / 1000:.0f} KB",
    ]


def start_rows(roots: list[Path], runs: int, folder: Path) -> list[str]:
    """Return the seconds from start to answer of each part, in turn with each state; a text for each state.

    `folder`: for a database of people of each state; the first start of all makes it, and converts what is not yet.
    """
    samples, rows = ROOT / "data" / "samples", []
    pictures = dict(zip(SCRIPTS, ("digits/sums.jpg", "party.jpg", "objects/ship.jpg"), strict=True))
    for part, picture in pictures.items():
        seconds: list[list[float]] = [[] for _ in roots]
        for run in range(runs + 1):
            for number, (root, found) in enumerate(zip(roots, seconds, strict=True)):
                os.environ["PYTHONPATH"] = str(root)
                command = [sys.executable, root / part / "predict_static.py", samples / picture, "--json"]
                if part == "face_recognition":
                    people = folder / f"people {number}"
                    command += ["--faces", people if people.exists() else shutil.copytree(samples / "people", people)]
                found += [measuring.start_to_answer(command, 1)[0]] * (run > 0)
        rows.append([f"{statistics.median(found):.2f} s" for found in seconds])
    return [", ".join(column) for column in zip(*rows, strict=True)]


def accuracies(root: Path) -> str:
    """Return how well the shipped models do on the test sets."""
    found = []
    for part, dataset in (("digit_recognition", "mnist"), ("cifar_recognition", "cifar10")):
        if (root / "data" / f"{dataset}.npz").exists():
            command = [sys.executable, root / part / "evaluate.py", "--json", "--no-show"]
            with tempfile.TemporaryDirectory() as folder:
                environment = os.environ | {"PYTHONPATH": str(root)}
                done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, env=environment)
            found.append(f"{dataset} {json.loads(done.stdout)['accuracy']:.2%}")
    return ", ".join(found)


def take_from_git(state: str, folder: Path) -> dict[str, str]:
    """Write an earlier state of the project into a folder, beside today's data; return where its files are now."""
    git = partial(subprocess.run, cwd=ROOT, capture_output=True, check=True)
    try:
        archive = git(["git", "archive", state]).stdout
        diff = ["git", "diff", "-M30%", "--name-status", "--diff-filter=R", state]
        renamed = b"".join(git([*diff, new, "--", "recognition"]).stdout for new in ("HEAD", ROOMS))
    except (OSError, subprocess.CalledProcessError):
        raise settings.UserError(f'--before {state}: no state that git knows here: --before ""', 2) from None
    with tarfile.open(fileobj=BytesIO(archive)) as content:
        content.extractall(folder, filter="data")
    for path in (ROOT / "data").iterdir():
        if path.name == "models":  # what is converted differs from state to state
            shutil.copytree(path, folder / "data" / path.name)
        elif not (folder / "data" / path.name).exists():
            (folder / "data" / path.name).symlink_to(path)
    return dict(line.split("\t")[1:] for line in renamed.decode().splitlines())


def main(config: Config) -> None:
    names = [
        ("files in the largest folder of recognition/; circles of imports; longest chain of imports", "≤ 12; 0; ≤ 7"),
        ("modules of another part that `predict_static.py`, `webcam.py` of a part load", "0"),
        (
            "lines of `recognition/` + the scripts; of them code: no import, docstring, blank line",
            "at least 200 fewer, no feature lost",
        ),
        ("lines of the train scripts", "≤ 150"),
        ("README", "≤ 220 lines"),
    ]
    with tempfile.TemporaryDirectory() as name:
        roots, moved = [ROOT], {}
        if config.before:
            moved = take_from_git(config.before, Path(name))
            roots.insert(0, Path(name))
        columns = [tree_rows(root, moved) for root in roots]
        if not config.quick:
            names += [("start to answer, one photo: digits, faces, objects", "unchanged")]
            names += [("test accuracy of the shipped models", "unchanged")]
            for column, seconds, root in zip(columns, start_rows(roots, config.runs, Path(name)), roots, strict=True):
                column += [seconds, accuracies(root)]
    before = columns[0] if config.before else ["-"] * len(names)
    rows = [(title, old, required, new) for (title, required), old, new in zip(names, before, columns[-1], strict=True)]
    measuring.print_table(
        rows, {"python": sys.version.split()[0], "machine": f"{sys.platform}, {os.cpu_count()} cores"}
    )
    print(" > ".join(longest_chain(room_graph(file_graph(ROOT)))))


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
