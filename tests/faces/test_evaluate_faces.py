"""The script that measures how well people are recognised, run as a user runs it, on drawn faces and on real ones."""

import json
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from test_predict_faces import QUICK, STRANGER, STRICT

from recognition.embeddings import sface_embedder
from recognition.evaluation import plots, sheets
from recognition.synthetic.portraits import draw_face, write_people

SCRIPT = "face_recognition/evaluate.py"
SIDES = (200,)  # pixels, of a photo on a sheet
PEOPLE = ["people", "photos", "found", "mistaken", "nearest", "stranger_photos", "strangers_named"]
PEOPLE += ["without_a_face", "unreadable", "wrong"]
PAIRS = ["pairs", "photos", "without_a_face", "unreadable", "threshold", "accuracy", "found", "mistaken", "wrong"]


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> Path:
    """Return a folder of the drawn people 0 to 3, three photos each."""
    return write_people(tmp_path_factory.mktemp("known") / "people", 4, 3)


@pytest.fixture
def measure(script, tmp_path):
    """Return a function that runs the script; figures go to the folder "figures"."""

    def run(*arguments, quick: tuple[str, ...] = QUICK) -> subprocess.CompletedProcess:
        return script(SCRIPT, *arguments, "--output", tmp_path / "figures", *quick)

    return run


def result_of(done, keys: list[str], code: int = 0) -> dict:
    """Return the only JSON object of stdout."""
    assert "Traceback" not in done.stderr and "Warning" not in done.stderr
    assert done.returncode == code, done.stderr
    assert len(done.stdout.splitlines()) == 1
    result = json.loads(done.stdout)
    assert list(result) == keys
    return result


def figures(folder: Path) -> dict[str, np.ndarray]:
    """Return the pictures that were drawn, all of them PNG, not empty and not of one colour."""
    pictures = {}
    for path in folder.iterdir():
        assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n", path
        pictures[path.name] = cv2.imread(str(path))
        assert min(pictures[path.name].shape[:2]) >= 100, path
        assert pictures[path.name].std() > 5, path
    return pictures


def add_photo(folder: Path, person: str, name: str, image: np.ndarray) -> None:
    (folder / person).mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / person / name), image)


def test_your_people_against_one_another(measure, people, tmp_path):
    """Twelve photos, each once as its person's and once as a stranger's, and one of somebody who has no other."""
    folder = shutil.copytree(people, tmp_path / "people")
    add_photo(folder, "single", "a.png", draw_face(STRANGER))
    add_photo(folder, "person 1", "wall.png", np.full((200, 200, 3), 150, np.uint8))
    (folder / "person 2" / "void.png").touch()
    done = measure("--faces", folder, "--json", "--accept", STRICT)
    first, second = done.stderr.splitlines()
    assert "wall.png: no face found" in first and "void.png: the file is empty" in second
    result = result_of(done, PEOPLE, 1)
    assert (result["people"], result["photos"], result["stranger_photos"]) == (4, 12, 13)
    assert (result["without_a_face"], result["unreadable"]) == (1, 1)
    assert (result["found"], result["mistaken"], result["nearest"]) == (1, 0, 1)
    named = round(13 * result["strangers_named"])
    assert result["strangers_named"] == pytest.approx(named / 13) and named <= 4  # drawn people are much alike
    assert len(result["wrong"]) == named
    expected = {"confusion.png", "found.png"} | ({"wrong.png"} if named else set())
    assert set(figures(tmp_path / "figures")) == expected


def test_photos_of_your_people_and_of_strangers(measure, people, tmp_path):
    for person in range(4):
        for photo in (7, 8):
            add_photo(tmp_path / "photos", f"person {person}", f"{photo}.png", draw_face(person, photo))
    add_photo(tmp_path / "photos", "person 0", "mislabelled.png", draw_face(2, 9))
    add_photo(tmp_path / "photos", "person 1", "another.png", draw_face(STRANGER, 9))
    for photo in range(3):
        add_photo(tmp_path / "photos", "unknown", f"{photo}.png", draw_face(STRANGER, photo))
    done = measure(tmp_path / "photos", "--faces", people, "--json", "--accept", STRICT)
    assert done.stderr == ""
    result = result_of(done, PEOPLE)
    wrong = {Path(one["photo"]).name: one for one in result.pop("wrong")}
    assert {name: one["name"] for name, one in wrong.items()} == {"mislabelled.png": "person 2", "another.png": None}
    assert wrong["mislabelled.png"]["photo"] == str(tmp_path / "photos" / "person 0" / "mislabelled.png")
    assert wrong["mislabelled.png"]["person"] == "person 0" and wrong["mislabelled.png"]["confidence"] > 0.5
    assert result == {
        "people": 4,
        "photos": 10,
        "found": pytest.approx(8 / 10),
        "mistaken": pytest.approx(1 / 10),
        "nearest": pytest.approx(8 / 10),
        "stranger_photos": 3,
        "strangers_named": 0.0,
        "without_a_face": 0,
        "unreadable": 0,
    }
    pictures = figures(tmp_path / "figures")
    assert set(pictures) == {"confusion.png", "found.png", "wrong.png"}
    shown, places = pictures["wrong.png"], []  # the surest mistake first, each below its title
    for person in (2, STRANGER):
        sizes = [cv2.resize(draw_face(person, 9), (side, side), interpolation=cv2.INTER_AREA) for side in SIDES]
        found = [cv2.minMaxLoc(cv2.matchTemplate(shown, one, cv2.TM_CCOEFF_NORMED)) for one in sizes]
        best = max(found, key=lambda one: one[1])
        assert best[1] > 0.9
        places.append(best[3][0])
    assert places[0] < places[1]


def test_strangers_only_and_people_only_leave_out_what_cannot_be_told(measure, people, tmp_path):
    add_photo(tmp_path / "photos", "somebody", "a.png", draw_face(STRANGER))
    result = result_of(measure(tmp_path / "photos", "--faces", people, "--json", "--accept", STRICT), PEOPLE)
    assert (result["photos"], result["found"], result["stranger_photos"]) == (0, None, 1)
    assert not (tmp_path / "figures" / "found.png").exists()
    (tmp_path / "photos" / "somebody").rename(tmp_path / "photos" / "person 1")
    (tmp_path / "photos" / "person 1" / "a.png").write_bytes((people / "person 1" / "0.png").read_bytes())
    done = measure(tmp_path / "photos", "--faces", people, "--accept", STRICT)
    assert done.returncode == 0
    rows = dict(line.rsplit(maxsplit=1) for line in done.stdout.splitlines())
    assert {key.strip(): value for key, value in rows.items()} == {
        "people": "1",
        "photos": "1",
        "found": "100.00%",
        "mistaken": "0.00%",
        "nearest": "100.00%",
        "stranger photos": "0",
        "strangers named": "-",
        "without a face": "0",
        "unreadable": "0",
        "wrong": "0",
    }
    assert done.stderr == f"figures: {tmp_path / 'figures' / 'confusion.png'}\n"


def test_pairs_are_counted_by_hand(measure, tmp_path):
    """No two photos are nearer than 0.0001, so all pairs are taken for two people's; without a face, for wrong."""
    for person in range(3):
        for photo in (1, 2):
            name = f"Person_{person}"
            add_photo(tmp_path / "photos", name, f"{name}_{photo:04d}.png", draw_face(person, photo))
    add_photo(tmp_path / "photos", "Wall", "Wall_0001.png", np.full((200, 200, 3), 150, np.uint8))
    same = ["Person_0\t1\t2", "Person_1\t2\t1", "Person_2\t1\t2", "Wall\t1\t1"]
    other = ["Person_0\t1\tPerson_1\t2", "Person_2\t1\tWall\t1"]
    (tmp_path / "pairs.txt").write_text("\n".join(["3", *same, *other]))
    done = measure(tmp_path / "photos", "--pairs", tmp_path / "pairs.txt", "--json", "--threshold", "0.0001")
    assert len(done.stderr.splitlines()) == 1 and "Wall_0001.png: no face found" in done.stderr
    result = result_of(done, PAIRS, 1)
    wrong = [[*(Path(path).stem for path in one["photos"]), one["one_person"]] for one in result.pop("wrong")]
    assert sorted(wrong[2:]) == [[f"Person_{k}_000{1 + k % 2}", f"Person_{k}_000{2 - k % 2}", True] for k in range(3)]
    assert wrong[:2] == [
        ["Wall_0001", "Wall_0001", True],
        ["Person_2_0001", "Wall_0001", False],
    ]  # told with no distance
    expected = {"pairs": 6, "photos": 7, "without_a_face": 1, "unreadable": 0, "threshold": 0.0001}
    assert result == expected | {"accuracy": 1 / 6, "found": 0.0, "mistaken": 1 / 2}
    assert set(figures(tmp_path / "figures")) == {"roc.png", "wrong.png"}


@pytest.mark.parametrize(
    ("recognizer", "threshold"), [("sface", 0.73 + 2**0.5 * 0.3), ("dlib", 0.285 + 2**0.5 * 0.094)]
)
def test_real_pairs(measure, lfw, tmp_path, recognizer, threshold):
    """The first pairs of LFW's test set: dlib's author has 99.38 % of all right, SFace's 99.40 %."""
    if recognizer == "sface" and not sface_embedder.is_here():
        pytest.skip("data/models has no SFace")
    path = lfw.parent / "lfw_pairs.txt"
    if not path.exists():
        pytest.skip("data/lfw_pairs.txt is not there: real data is not part of the repository")
    count, *lines = path.read_text().splitlines()
    (tmp_path / "pairs.txt").write_text("\n".join(["15", *lines[:15], *lines[int(count) : int(count) + 15]]))
    done = measure(lfw, "--pairs", tmp_path / "pairs.txt", "--json", quick=("--recognizer", recognizer))
    result = result_of(done, PAIRS)
    assert result["pairs"] == 30
    assert result["threshold"] == pytest.approx(threshold, abs=1e-4)  # of the rule that names
    assert result["accuracy"] >= 0.9
    assert result["accuracy"] == pytest.approx((result["found"] + 1 - result["mistaken"]) / 2)
    assert "roc.png" in figures(tmp_path / "figures")


def test_real_people(measure, orl_faces, tmp_path):
    """Ten people of ORL by two photos each, two others of each, and two of each of ten strangers."""
    for k in range(1, 21):
        for photo in (3, 4, 5, 6):
            folder = "people" if photo < 5 else "photos"
            if k <= 10 or photo >= 5:
                (tmp_path / folder / f"s{k}").mkdir(parents=True, exist_ok=True)
                shutil.copy(orl_faces / f"s{k}" / f"{photo}.pgm", tmp_path / folder / f"s{k}")
    done = measure(tmp_path / "photos", "--faces", tmp_path / "people", "--json", quick=())
    result = result_of(done, PEOPLE)
    assert (result["people"], result["photos"], result["stranger_photos"]) == (10, 20, 20)
    assert result["found"] >= 0.8 and result["nearest"] >= 0.95
    assert result["mistaken"] == 0 and result["strangers_named"] <= 0.05
    assert {"confusion.png", "found.png"} <= set(figures(tmp_path / "figures"))


def test_a_curve_shows_the_most_that_is_found_at_each_cost(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(plots, "save_figure", lambda figure, path: drawn.append(figure.axes[0]))
    x, y = np.array([0, 0, 0.1, 0.1, 1]), np.array([0.1, 0.93, 0.95, 0.97, 0.97])
    plots.plot_shares(x, y, ("cost", "found"), (0.1, 0.95), tmp_path)
    curve, point = (line.get_data() for line in drawn[0].lines)
    assert [values.tolist() for values in curve] == [[0, 0.1, 1], [0.93, 0.97, 0.97]]
    assert np.ravel(point).tolist() == [0.1, 0.95]
    assert [text.get_text() for text in drawn[0].get_legend().get_texts()] == ["as set: 95.00% at 10.00%"]
    assert drawn[0].get_ylim()[0] == 0.9
    places = drawn[0].transData.transform([(0, 0.9), (0.1, 0.9), (1, 0.9)])[:, 0]
    assert places[1] - places[0] > 20 and places[2] - places[1] > 100  # pixels: what costs nothing is not hidden


def test_letters_that_the_font_lacks_give_no_warnings(tmp_path, recwarn):
    sheets.save_sheet(np.zeros((1, 9, 9), np.uint8), ["山田"], tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").exists()
    assert not recwarn.list


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["none"], 2, "none: cannot be listed"),
        (["empty"], 2, "empty: no folders of people"),
        (["faceless"], 1, "no photo with a face"),
        (["--pairs", "pairs.txt"], 2, "name the folder of the photos"),
        (["faceless", "--recognizer", "cnn", "--model", "nosuch"], 1, "nosuch.json not found"),
        (["faceless", "--pairs", "wall.txt"], 1, "wall.txt: no pair with a face in both of its photos"),
        (["faceless", "--pairs", "wall.txt", "--recognizer", "cnn"], 2, "--recognizer cnn only names people: name a"),
        (["--accept", "0"], 2, "--accept 0.0: must be more than 0"),
        (["--accept", "5"], 2, "--accept 5.0: must be more than 0"),
        (["faceless", "--pairs", "pairs.txt", "--threshold", "-1"], 2, "--threshold -1.0: must be more than 0"),
        (["--weights", "nofile"], 2, "--weights nofile has no effect"),
        (["--model", "nosuch"], 2, "--model nosuch has no effect"),
        (["--output", "pairs.txt"], 2, "pairs.txt: cannot be made"),
    ],
)
def test_errors_are_one_line(script, people, tmp_path, arguments, code, told):
    (tmp_path / "empty").mkdir()
    add_photo(tmp_path / "faceless", "wall", "a.png", np.full((100, 100, 3), 150, np.uint8))
    (tmp_path / "pairs.txt").write_text("1\nA\t1\t2\nA\t1\tB\t1\n")
    add_photo(tmp_path / "faceless", "wall", "wall_0001.png", np.full((100, 100, 3), 150, np.uint8))
    (tmp_path / "wall.txt").write_text("1\nwall\t1\t1\nwall\t1\twall\t1\n")
    done = script(SCRIPT, *QUICK, "--faces", people, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    lines = [line for line in done.stderr.splitlines() if not line.endswith(".png: no face found")]
    assert len(lines) == 1 and lines[0].startswith("error: ") and told in lines[0], done.stderr
