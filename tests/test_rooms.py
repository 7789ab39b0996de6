"""The house keeps the rules that CONTRIBUTING.md gives."""

import house

from recognition.files import ROOT

FILES, GRAPH = house.python_files(ROOT), house.file_graph(ROOT)
ROOMS = house.room_graph(GRAPH)


def rooms_of(part: str) -> set[str]:
    return {f"recognition.{room}" for room in house.PARTS[part]}


def test_media_knows_no_subject_and_a_part_nothing_of_another():
    for part in house.PARTS:
        assert not ROOMS["recognition.media"] & rooms_of(part)
        used = {
            house.room_of(module)
            for script in GRAPH
            if script.startswith(part)
            for module in house.reached(GRAPH, script)
        }
        assert not used & {room for other in house.PARTS if other != part for room in rooms_of(other)}, part


def test_only_networks_and_training_import_keras_at_once():
    heavy = ("keras", "tensorflow", "recognition.networks")
    allowed = ("recognition.networks", "recognition.training")
    early = {name: house.imports(path, early=True) for name, path in FILES.items() if not name.startswith(allowed)}
    assert not [name for name, found in early.items() if any(one.startswith(heavy) for one in found)]


def test_pictures_that_we_make_are_for_training_and_nothing_is_measured_in_the_package():
    users = {room for room, others in ROOMS.items() if "recognition.synthetic" in others}
    assert users == {"recognition.training"}
    assert not [name for name, path in FILES.items() if "measuring" in house.imports(path)]


def test_no_package_is_used_that_reports_to_its_makers():
    files = [*FILES.values(), *(ROOT / "benchmarks").glob("*.py")]
    assert not [path for path in files if any(one.startswith("mediapipe") for one in house.imports(path))]
    for name in ("requirements.txt", "requirements.lock"):
        assert "mediapipe" not in (ROOT / name).read_text(encoding="utf-8")


def test_no_circles_and_no_room_above_twelve_files():
    assert house.circles(GRAPH) == house.circles(ROOMS) == set()
    assert house.largest_folder(ROOT) <= 12
    assert len(house.longest_chain(ROOMS)) <= 8  # face_recognition, library, people, faces, ...


def test_a_circle_and_a_chain_are_found():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}
    assert house.circles(graph) == {frozenset("bc")}
    assert house.longest_chain(graph) == ["a", "b", "d"]
