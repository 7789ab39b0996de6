"""Pairs in LFW's format, and the shares that are counted from distances and matches: by cases worked by hand."""

from pathlib import Path

import numpy as np
import pytest

from recognition.embeddings.statistics import DLIB
from recognition.faces import evaluation
from recognition.faces.evaluation import Probe
from recognition.faces.gallery import Match
from recognition.settings import UserError


@pytest.fixture
def photos(tmp_path) -> Path:
    """Return a folder of two people's photos, as LFW has them; what is in the files does not matter here."""
    for name, number, suffix in (
        ("Ada_Lovelace", 1, ".jpg"),
        ("Ada_Lovelace", 12, ".png"),
        ("Bo Ek", 1, ".jpg"),
        ("Bo Ek", 1, ".png"),
        ("Bo Ek", 2, ".webp"),
    ):
        (tmp_path / "photos" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name / f"{name}_{number:04d}{suffix}").touch()
    return tmp_path / "photos"


def listed(folder: Path, text: str) -> Path:
    """Write a list of pairs beside the folder of photos and return its path."""
    (folder.parent / "pairs.txt").write_text(text, encoding="utf-8")
    return folder.parent / "pairs.txt"


def test_pairs_are_read_with_tabs_or_spaces(photos):
    text = "2\nAda_Lovelace\t1\t12\nAda_Lovelace 12 1\n\nBo Ek\t1\tAda_Lovelace\t12\nAda_Lovelace\t1\tBo Ek\t2\n"
    ada, bo = photos / "Ada_Lovelace", photos / "Bo Ek"
    first, second = ada / "Ada_Lovelace_0001.jpg", ada / "Ada_Lovelace_0012.png"
    assert evaluation.load_pairs(listed(photos, text), photos) == [
        (first, second, True),
        (second, first, True),
        (bo / "Bo Ek_0001.jpg", second, False),  # the .jpg, as LFW has it, although there is a .png
        (first, bo / "Bo Ek_0002.webp", False),
    ]


def test_the_end_of_a_line_may_be_that_of_windows(photos):
    pairs = listed(photos, "")
    pairs.write_bytes(b"1\r\nAda_Lovelace\t1\t12\r\nAda_Lovelace\t1\tBo Ek\t2\r\n")
    assert [same for _, _, same in evaluation.load_pairs(pairs, photos)] == [True, False]


@pytest.mark.parametrize(
    "line",
    [
        "Ada_Lovelace",
        "Ada_Lovelace\t1",
        "Ada_Lovelace\t1\ttwo",
        "Ada_Lovelace\t-1\t12",
        "Ada_Lovelace\t1.0\t12",
        "Ada_Lovelace\t1\tBo Ek\tx",
        "Ada_Lovelace\tBo Ek\t1\t2",
        "Ada_Lovelace 1 Bo Ek 2",  # a name with a space needs tabs
        "Ada_Lovelace\t1\t12\t12\t1",
    ],
)
def test_a_line_of_another_form_is_named_with_its_number(photos, line):
    pairs = listed(photos, f"1\nAda_Lovelace\t1\t12\n{line}\n")
    with pytest.raises(UserError, match=r"pairs\.txt, line 3: needs NAME 1 2 or NAME 1 OTHER 2, has '") as raised:
        evaluation.load_pairs(pairs, photos)
    assert raised.value.code == 2
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("line", "missing"),
    [("Ada_Lovelace\t1\t2", "Ada_Lovelace_0002.jpg"), ("Ada_Lovelace\t1\tNobody\t10000", "Nobody_10000.jpg")],
)
def test_a_photo_that_is_not_there_is_named(photos, line, missing):
    with pytest.raises(UserError, match=rf"pairs\.txt, line 2: .*{missing} not found: name the folder"):
        evaluation.load_pairs(listed(photos, f"1\n{line}\n"), photos)


@pytest.mark.parametrize("text", ["", "300\n", "1\nAda_Lovelace\t1\t12\n", "1\nAda_Lovelace\t1\tBo Ek\t1\n"])
def test_pairs_of_one_kind_only_cannot_be_measured(photos, text):
    with pytest.raises(UserError, match="needs pairs of one person and pairs of two"):
        evaluation.load_pairs(listed(photos, text), photos)


def test_a_list_that_cannot_be_read(photos):
    binary = listed(photos, "")
    binary.write_bytes(b"\xff\xfe\x00\x01")
    for path, said in ((photos / "none.txt", "cannot be read"), (photos, "a folder"), (binary, "cannot be read")):
        with pytest.raises(UserError, match=said):
            evaluation.load_pairs(path, photos)


def test_lfws_own_list(lfw):
    path = lfw.parent / "lfw_pairs.txt"
    if not path.exists():
        pytest.skip("data/lfw_pairs.txt is not there: real data is not part of the repository")
    pairs = evaluation.load_pairs(path, lfw)
    each = int(path.read_text().splitlines()[0])
    assert [same for _, _, same in pairs].count(True) == [same for _, _, same in pairs].count(False) == each
    assert all((one.parent == other.parent) is same for one, other, same in pairs)


def test_roc_by_hand():
    """A pair at an infinite distance is told wrongly at every threshold."""
    distances = np.array([0.2, 0.4, 0.4, 0.9, 0.4, 0.7, np.inf, -np.inf])
    same = np.array([True, True, True, True, False, False, True, False])
    wrong, found = evaluation.roc(distances, same)  # at 0.2, 0.4, 0.7 and 0.9
    assert wrong.tolist() == pytest.approx([1 / 3, 2 / 3, 1, 1])
    assert found.tolist() == pytest.approx([1 / 5, 3 / 5, 3 / 5, 4 / 5])


def test_roc_is_what_counting_gives():
    rng = np.random.default_rng(0)
    distances, same = rng.random(300).round(2), rng.random(300) < 0.4
    for threshold, wrong, found in zip(np.unique(distances), *evaluation.roc(distances, same), strict=True):
        assert found == np.mean([distance <= threshold for distance in distances[same]])
        assert wrong == np.mean([distance <= threshold for distance in distances[~same]])


@pytest.mark.parametrize(("threshold", "right"), [(0.1, 3), (0.3, 4), (0.5, 3), (0.51, 4), (0.65, 3), (2.0, 3)])
def test_accuracy_by_hand(threshold, right):
    """A distance that is the threshold itself is not below it."""
    distances, same = np.array([0.1, 0.3, 0.5, 0.6, 0.8, 0.9]), np.array([True, False, True, False, True, False])
    assert evaluation.accuracy(distances, same, threshold) == right / 6


def test_a_pair_without_a_face_is_a_mistake_at_every_threshold():
    distances, same = np.array([np.inf, -np.inf, 0.1]), np.array([True, False, True])
    assert [evaluation.accuracy(distances, same, threshold) for threshold in (0, 0.6, 2)] == [0, 1 / 3, 1 / 3]


def probe(person: str, nearest: str | None, confidence: float, stranger: bool = False) -> Probe:
    """Return a probe of `person`, taken for `nearest`: named above a confidence of 0.5."""
    match = Match(nearest if confidence > 0.5 else None, 0.3, confidence, nearest)
    return Probe(Path(person) / "1.jpg", person, match, stranger)


PROBES = [
    probe("Ada", "Ada", 0.9),
    probe("Ada", "Ada", 0.4),  # not named, though most like her
    probe("Bo", "Ada", 0.7),  # mistaken
    probe("Bo", "Ada", 0.2),  # neither
    probe("Cy", "Cy", 0.8),
    probe("Di", "Ada", 0.6, stranger=True),
    probe("Ed", "Bo", 0.3, stranger=True),
    probe("Ed", "Bo", 0.1, stranger=True),
    probe("Flo", None, 0.0, stranger=True),
]


def test_score_by_hand():
    assert evaluation.score(PROBES) == {
        "people": 3,
        "photos": 5,
        "found": 2 / 5,
        "mistaken": 1 / 5,
        "nearest": 3 / 5,
        "stranger_photos": 4,
        "strangers_named": 1 / 4,
    }
    assert [one.right for one in PROBES] == [True, False, False, False, True, False, True, True, True]


def test_a_share_of_nothing_is_none():
    known, strangers = PROBES[:5], PROBES[5:]
    assert evaluation.score(known)["strangers_named"] is None
    result = evaluation.score(strangers)
    assert [result[key] for key in ("people", "photos", "found", "mistaken", "nearest")] == [0, 0, None, None, None]


def test_curve_by_hand():
    """Whoever is most like somebody else is never found, however unsure a name may be."""
    named, found = evaluation.curve(PROBES)
    assert named.tolist() == [0, 0, 1 / 4, 1 / 4, 2 / 4, 3 / 4, 1]  # down to 0.9, 0.8, 0.6, 0.4, 0.3, 0.1 and 0
    assert found.tolist() == [1 / 5, 2 / 5, 2 / 5, 3 / 5, 3 / 5, 3 / 5, 3 / 5]


def axis(k: int, other: int = 0, share: float = 0.0) -> np.ndarray:
    """Return an embedding on axis k of 6, turned towards another axis by a share of a right angle."""
    return np.cos(share * np.pi / 2) * np.eye(6)[k] + np.sin(share * np.pi / 2) * np.eye(6)[other]


def leave_one_out(rows: dict[str, list[np.ndarray]], accepted: float = 0.01) -> list[Probe]:
    paths = [Path("photos") / name / f"{k}.jpg" for name, group in rows.items() for k in range(len(group))]
    embeddings = np.array([row for group in rows.values() for row in group], np.float32)
    return list(evaluation.leave_one_out(paths, embeddings, DLIB, accepted))


def test_each_photo_is_left_out_of_its_own_gallery():
    """Ada's and Bo's photos stand at right angles, so only photos of one person are near; Cy has but one photo."""
    people = {"Ada": [axis(0), axis(0, 5, 0.1)], "Bo": [axis(1), axis(1, 5, 0.1)], "Cy": [axis(2)]}
    probes = leave_one_out(people)
    assert [(one.person, one.path.name, one.stranger, one.match.name) for one in probes] == [
        ("Ada", "0.jpg", False, "Ada"),
        ("Ada", "0.jpg", True, None),
        ("Ada", "1.jpg", False, "Ada"),
        ("Ada", "1.jpg", True, None),
        ("Bo", "0.jpg", False, "Bo"),
        ("Bo", "0.jpg", True, None),
        ("Bo", "1.jpg", False, "Bo"),
        ("Bo", "1.jpg", True, None),
        ("Cy", "0.jpg", True, None),  # nothing is left of him that he could be found by
    ]
    between = 2 * np.sin(0.1 * np.pi / 4)  # the chord between his two photos, 9 degrees apart
    assert [one.match.distance for one in probes[:8:2]] == pytest.approx([between] * 4, abs=1e-4)
    assert probes[8].match.distance == pytest.approx(
        np.linalg.norm(axis(2) - (axis(0) + axis(0, 5, 0.1)) / 2), abs=1e-4
    )
    result = evaluation.score(probes)
    assert (result["people"], result["photos"], result["stranger_photos"]) == (2, 4, 5)
    assert (result["found"], result["mistaken"], result["strangers_named"]) == (1, 0, 0)


def test_a_photo_in_the_wrong_folder_is_mistaken_and_a_stranger_named():
    """One of Bo's photos shows Ada: it is taken for her, once as Bo's and once as a stranger's."""
    people = {"Ada": [axis(0), axis(0, 5, 0.1), axis(0, 4, 0.1)], "Bo": [axis(1), axis(0, 5, 0.05)]}
    probes = {(one.person, one.path.name, one.stranger): one for one in leave_one_out(people)}
    for stranger in (False, True):
        wrong = probes["Bo", "1.jpg", stranger]
        assert (wrong.match.name, wrong.right) == ("Ada", False)
    assert probes["Bo", "0.jpg", False].match.name is None  # the only other photo of Bo is Ada's
    result = evaluation.score(list(probes.values()))
    assert (result["found"], result["mistaken"], result["strangers_named"]) == (3 / 5, 1 / 5, 1 / 5)


def test_one_person_alone_is_a_stranger_to_nobody_else():
    probes = leave_one_out({"Ada": [axis(0), axis(0, 5, 0.1)]})
    assert [(one.stranger, one.match.name) for one in probes] == [(False, "Ada"), (True, None)] * 2
    assert all(np.isinf(one.match.distance) for one in probes if one.stranger)
    assert leave_one_out({"Ada": [axis(0)]})[0].stranger
