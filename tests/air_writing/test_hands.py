"""Hands: palms decoded and merged, squares laid around them, hands followed from frame to frame."""

import zipfile

import cv2
import numpy as np
import pytest

from recognition.air_writing import hands, palms, regions
from recognition.settings import UserError


def palm_at(x, y, size=0.2) -> np.ndarray:
    """Return a palm that points up, float (9, 2): the middle of its box, wrist below, middle knuckle above it."""
    half = size / 2
    box = [(x - half, y - half), (x + half, y + half)]
    return np.array([*box, (x, y + half), (x - half, y), (x, y - half), *[(x, y)] * 4])


def hand_at(x, y, size=100.0) -> np.ndarray:
    """Return the landmarks of a hand that points up, float (21, 2): wrist below x y, the knuckles a row above."""
    points = np.full((21, 2), (x, y), float)
    points[0] = x, y + size
    for finger, across in zip((1, 5, 9, 13, 17), (-0.5, -0.25, 0, 0.25, 0.5), strict=True):
        points[finger : finger + 4] = [(x + across * size, y - k * size / 4) for k in range(4)]
    return points


def turned(points: np.ndarray, angle: float, middle: tuple[float, float]) -> np.ndarray:
    """Return points (N, 2) turned clockwise around a middle by radians; y is down."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return (points - middle) @ np.array([[cosine, sine], [-sine, cosine]]) + middle


def test_anchors_are_the_middles_of_two_grids():
    anchors = palms.make_anchors()
    assert anchors.shape == (2 * 24 * 24 + 6 * 12 * 12, 2) == (2016, 2)
    expected = {0: (4, 4), 1: (4, 4), 2: (12, 4), 47: (188, 4), 48: (4, 12), 1151: (188, 188)}
    expected |= {1152: (8, 8), 1157: (8, 8), 1158: (24, 8), 2015: (184, 184)}
    for number, pixels in expected.items():
        assert np.allclose(192 * anchors[number], pixels), number


def test_values_are_decoded_from_their_anchors():
    values = np.array([[19.2, -19.2, 48, 96, *range(0, 140, 10)]], np.float32)
    palm = palms.decode(values, np.array([[0.5, 0.25]]))[0]
    assert np.allclose(palm[:2], [(0.6 - 0.125, 0.15 - 0.25), (0.6 + 0.125, 0.15 + 0.25)])
    assert np.allclose(192 * palm[2:], [(96 + 20 * k, 48 + 10 + 20 * k) for k in range(7)])


def test_scores_become_probabilities_without_overflow():
    with np.errstate(all="raise"):
        found = palms.probabilities(np.array([-1e30, -np.log(3), 0, np.log(3), 1e30], np.float32))
    assert np.allclose(found, [0, 0.25, 0.5, 0.75, 1])


def test_what_overlaps_is_one_palm_at_the_weighted_mean():
    left, beside, far = palm_at(0.3, 0.5), palm_at(0.34, 0.5), palm_at(0.7, 0.5)
    shared = 0.16 * 0.2 / (2 * 0.04 - 0.16 * 0.2)
    assert np.allclose(palms.overlaps(left, np.stack([left, beside, far])), [1, shared, 0])
    merged = palms.merge(np.stack([beside, far, left]), np.array([0.3, 0.5, 0.9]))
    assert len(merged) == 2
    assert np.allclose(merged[0], palm_at(0.31, 0.5)) and np.allclose(merged[1], far)
    apart = np.stack([left, palm_at(0.41, 0.5)])  # they share 0.09 of 0.31 in width, less than 0.3
    assert len(palms.merge(apart, np.array([0.9, 0.8]))) == 2
    assert palms.merge(np.zeros((0, 9, 2)), np.zeros(0)) == []
    assert len(palms.merge(np.zeros((2, 9, 2)), np.array([0.5, 0.5]))) == 2  # boxes without an area end, too


class PalmNetwork:
    """Says that there is a palm around one anchor, and keeps what it was shown."""

    def __init__(self, anchor: int, score: float):
        self.values, self.scores = np.zeros((1, 2016, 18), np.float32), np.full((1, 2016, 1), -1e4, np.float32)
        self.values[0, anchor, 2:4] = 38.4  # a fifth of the side
        self.scores[0, anchor] = score

    def run(self, image):
        self.shown = image
        return [self.values, self.scores]


def test_palms_are_found_in_pixels_of_the_frame():
    frame = np.full((720, 1280, 3), (255, 51, 0), np.uint8)
    network = PalmNetwork(0, 1.0)
    (palm,) = palms.PalmDetector(network, 0.5).detect(frame)
    scale, bar = 1280 / 192, (1280 - 720) / 2  # of the letterbox
    assert np.allclose(palm[:2], [((4 - 19.2) * scale, (4 - 19.2) * scale - bar), (23.2 * scale, 23.2 * scale - bar)])
    assert np.allclose(palm[2:], (4 * scale, 4 * scale - bar))
    assert network.shown.shape == (1, 192, 192, 3) and network.shown.dtype == np.float32
    assert np.allclose(network.shown[0, 96, 96], [0, 0.2, 1])  # RGB
    assert not network.shown[0, :41].any() and not network.shown[0, -41:].any()
    assert palms.PalmDetector(PalmNetwork(0, -0.1), 0.5).detect(frame) == []


def test_the_square_around_a_palm_has_the_fingers_in_it():
    region = regions.around_palm(palm_at(300, 200, 100))
    assert np.allclose(region, (300, 200 - 50, 260, 0))


@pytest.mark.parametrize("angle", [0.0, 0.4, np.pi / 2, -2.0])
def test_the_square_around_a_hand_turns_with_it(angle):
    middle = (300, 300)
    region = regions.around_hand(turned(hand_at(*middle), angle, middle))
    # upright, what counts of it is 100 wide and goes from the thumb's joint, y 250, to the wrist, 400
    place = turned(np.array([(300, (250 + 400) / 2 - 0.1 * 150)]), angle, middle)[0]
    assert np.allclose(region, (*place, 2 * 150, angle))


def test_a_crop_is_the_turned_part_of_the_frame_and_points_lead_back():
    frame = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    region = regions.Region(50, 40, 20, np.pi / 2)  # its right is the frame's down, its down the frame's left
    image = regions.crop(frame, region, 20, cv2.BORDER_CONSTANT)[0]
    expected = np.array([[frame[30 + u, 60 - v, ::-1] for u in range(20)] for v in range(20)])
    assert np.allclose(255 * image, expected, atol=1)
    assert np.allclose(
        regions.to_frame(np.array([[0, 0], [0.5, 0.5], [0.25, 1]]), region), [(60, 30), (50, 40), (40, 35)]
    )


def test_beyond_the_frame_its_edge_goes_on():
    frame = np.full((40, 40, 3), 200, np.uint8)
    region = regions.Region(0, 0, 40, 0.3)
    assert (regions.crop(frame, region, 64, cv2.BORDER_REPLICATE) > 0.7).all()
    assert (regions.crop(frame, region, 64, cv2.BORDER_CONSTANT) == 0).mean() > 0.6


class Scene(hands.HandTracker):
    """A tracker in a scene laid down by the test: the places of hands, which both networks know."""

    def __init__(self, most=2):
        self._palms = self._network = self
        self._most, self._confidence, self._hands, self._calm = most, 0.3, [], 0
        self.places, self.searches, self.looks = [], 0, 0

    def detect(self, frame):
        self.searches += 1
        return [palm_at(*place, 100) for place in self.places]

    def _look(self, frame, region):
        self.region = region
        super()._look(frame, region)

    def run(self, image):
        self.looks += 1
        near = [place for place in self.places if np.hypot(place[0] - self.region.x, place[1] - self.region.y) < 120]
        inside = (hand_at(*near[0]) - self.region.corner) @ self.region.axes.T if near else np.zeros((21, 2))
        landmarks = np.column_stack([inside * hands.SIZE / self.region.side, np.zeros(21)])
        return [landmarks.reshape(1, 63), np.array([[0.9 if near else 0.1]]), None, np.zeros((1, 63))]

    def see(self, *places) -> list[tuple[int, int]]:
        self.places, self.searches = list(places), 0
        return [
            tuple(np.round(hand.landmarks[9]).astype(int)) for hand in self.track(np.zeros((720, 1280, 3), np.uint8))
        ]


def test_palms_are_looked_for_where_a_hand_is_missing_and_not_else():
    scene, left, right = Scene(), (300, 300), (900, 300)
    assert scene.see() == [] and scene.searches == 1
    assert scene.see(left, right) == [left, right] and scene.searches == 1
    moved = (340, 310)
    assert scene.see(right, moved) == [moved, right] and scene.searches == 0  # in the order that they had
    assert scene.see(right) == [right] and scene.searches == 1  # lost: looked for in the same frame
    assert scene.see(right, left) == [right, left]
    scene.see(right)
    searches = []
    for _ in range(hands.PATIENCE + 4 * hands.AGAIN):
        assert scene.see(right) == [right]
        searches.append(scene.searches)
    assert all(searches[: hands.PATIENCE - 1]) and sum(searches[hands.PATIENCE :]) == 4  # now and then


def test_a_hand_is_found_once_and_no_more_than_asked_for():
    scene, place = Scene(), (300, 300)
    assert scene.see(place, (305, 300)) == [place]
    assert scene.looks == 1  # the second palm was not even looked at
    assert Scene(most=1).see((300, 300), (900, 300)) == [(300, 300)]
    assert len(Scene(most=2).see((200, 300), (600, 300), (1000, 300))) == 2


def write_task(path, **files: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.tflite", content)


@pytest.mark.parametrize("damage", ["missing", "no archive", "empty archive", "no networks", "cut short"])
def test_a_hand_model_that_cannot_be_read_is_one_line(tmp_path, damage):
    path = tmp_path / "hand.task"
    if damage == "no archive":
        path.write_bytes(b"no model")
    elif damage == "empty archive":
        write_task(path)
    elif damage in ("no networks", "cut short"):
        write_task(path, hand_detector=b"TFL3" * 99, hand_landmarks_detector=b"TFL3" * 99)
    if damage == "cut short":
        path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(UserError, match=r"hand\.task.*--tracker marker") as error:
        hands.read_networks(path)
    assert "\n" not in str(error.value)
    assert ("not found" in str(error.value)) == (damage == "missing")
