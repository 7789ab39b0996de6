"""The fingertip: which gestures write, which hand is followed, and that it is found without a word on stderr."""

import runpy
import subprocess
import sys

import numpy as np
import pytest

from recognition.air_writing import fingertip, hands
from recognition.air_writing.fingertip import FingertipTracker, steady, straightness, writes
from recognition.files import ROOT
from recognition.settings import UserError

CLIP = ROOT / "data" / "air_writing" / "egazaga_speed_drawing_30fps.mp4"
STRAIGHT, HALF, CURLED = 5, 35, 75  # degrees that each joint bends
needs_model = pytest.mark.skipif(not fingertip.MODEL.exists(), reason="data/models/hand_landmarker.task is not there")
needs_clip = pytest.mark.skipif(not CLIP.exists(), reason=f"data/air_writing/{CLIP.name} is not there")


def finger(knuckle, bend, length=1.0) -> np.ndarray:
    """Return four joints from a knuckle on; each bends by so many degrees towards the palm's side, -z."""
    joints, angle = [np.array(knuckle, float)], 0.0
    for bone in (0.5, 0.3, 0.25):
        angle += np.deg2rad(bend)
        joints.append(joints[-1] + length * bone * np.array([0, np.cos(angle), -np.sin(angle)]))
    return np.array(joints)


def hand(index=STRAIGHT, middle=CURLED, ring=CURLED, little=CURLED, pinch=False) -> np.ndarray:
    """Return the landmarks of a hand, float (21, 3), as long as 1 from wrist to middle knuckle."""
    knuckles = [(-0.25, 0.95, 0), (0, 1, 0), (0.2, 0.95, 0), (0.4, 0.85, 0)]
    fingers = [finger(knuckle, bend) for knuckle, bend in zip(knuckles, (index, middle, ring, little), strict=True)]
    end = fingers[0][-1] + [0.05, 0, -0.1] if pinch else np.array([-0.7, 0.7, -0.2])
    thumb = np.linspace([-0.3, 0.3, 0], end, 4)
    return np.vstack([np.zeros((1, 3)), thumb, *fingers])


def turned(landmarks: np.ndarray, seed: int) -> np.ndarray:
    """Return landmarks in another direction, place and size."""
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return rng.uniform(0.05, 300) * landmarks @ rotation + rng.normal(size=3)


@pytest.mark.parametrize("seed", range(10))
def test_gestures_are_told_apart_in_any_direction(seed):
    gestures = {
        "pointing": (hand(), True),
        "pointing, middle finger half bent": (hand(middle=HALF), True),
        "two fingers": (hand(middle=STRAIGHT), True),
        "fist": (hand(index=CURLED), False),
        "open hand": (hand(middle=STRAIGHT, ring=STRAIGHT, little=STRAIGHT), False),
        "pinch": (hand(pinch=True), False),
        "hooked index finger": (hand(index=50), False),
    }
    for name, (landmarks, expected) in gestures.items():
        for wrote in (False, True):
            assert writes(turned(landmarks, seed), wrote) is expected, name


def test_a_gesture_in_between_goes_on_as_it_was():
    between = hand(index=38)
    assert straightness(between[fingertip.INDEX]) == pytest.approx(0.85, abs=0.04)
    assert writes(between, wrote=True) and not writes(between, wrote=False)


def test_trembling_is_damped_and_speed_is_not():
    rng = np.random.default_rng(0)
    still = [np.array([300.0, 200.0]) + rng.normal(0, 1.5, 2) for _ in range(200)]
    tip, path = None, []
    for point in still:
        tip = steady(tip, point, 1280)
        path.append(tip)
    assert np.std(path[20:], axis=0).max() < 0.6 * np.std(still[20:], axis=0).min()
    assert np.allclose(steady(np.array([300.0, 200.0]), np.array([320.0, 200.0]), 1280), [320, 200])


def test_a_model_that_is_missing_or_none_is_named(tmp_path):
    with pytest.raises(UserError, match=r"hand.task not found"):
        FingertipTracker(tmp_path / "hand.task")
    (tmp_path / "hand.task").write_bytes(b"no model")
    with pytest.raises(UserError, match="--tracker marker") as error:
        FingertipTracker(tmp_path / "hand.task")
    assert "\n" not in str(error.value)


@needs_model
@needs_clip
@pytest.mark.parametrize("ending", ["tracker.close()", "pass", "del tracker"])
def test_the_tracker_is_quiet_from_import_to_exit_and_loads_litert_alone(ending):
    code = f"""if True:
        import sys
        import cv2
        from recognition.air_writing.fingertip import FingertipTracker, fetch_model
        video = cv2.VideoCapture({str(CLIP)!r})
        frames = [cv2.resize(video.read()[1], (640, 360)) for _ in range(30)][20:]
        tracker = FingertipTracker(fetch_model())
        print(sum(tracker.track(frame, i / 30) is not None for i, frame in enumerate(frames)))
        print([name for name in ("mediapipe", "tensorflow", "jax") if name in sys.modules])
        {ending}
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert (done.returncode, done.stdout.split("\n")[:2], done.stderr) == (0, ["10", "[]"], "")


class LaidDown:
    """Hands that the test lays down: pairs of a palm's place and a gesture."""

    def __init__(self):
        self.hands = []

    def track(self, frame) -> list[hands.Hand]:
        return [hands.Hand(gesture[:, :2] * 60 + place, gesture, None) for place, gesture in self.hands]


def test_of_two_hands_the_one_that_writes_is_followed_and_kept(monkeypatch, tmp_path):
    laid = LaidDown()
    monkeypatch.setattr(hands, "HandTracker", lambda *_: laid)
    frame, tracker, fist, pointing = (
        np.zeros((720, 1280, 3), np.uint8),
        FingertipTracker(tmp_path),
        hand(CURLED),
        hand(),
    )
    left, right = (200, 300), (1000, 300)

    def x_of(seconds, *laid_down) -> tuple[bool, bool]:
        laid.hands = list(laid_down)
        tip = tracker.track(frame, seconds)
        return tip.x < 640, tip.writing

    assert x_of(0.0, (left, fist), (right, pointing)) == (False, True)
    assert x_of(0.1, (right, pointing), (left, pointing)) == (False, True)  # whatever their order
    assert x_of(0.2, (right, fist), (left, pointing)) == (False, False)  # lifts the pen for a moment
    assert x_of(0.3, (left, pointing)) == (True, False)  # out of sight: the other one draws no line across
    assert x_of(0.4, (right, pointing), (left, pointing)) == (False, True)
    for seconds in np.arange(0.5, 1.1, 0.1):
        side = x_of(seconds, (right, fist), (left, pointing))
    assert side == (True, True)  # the other one has taken over
    laid.hands = []
    assert tracker.track(frame, 1.2) is None


@needs_model
@needs_clip
def test_the_fingertip_is_found_in_a_real_clip():
    result = runpy.run_path(str(ROOT / "benchmarks" / "air_writing_clip.py"))["measure_fingertip"](640)
    assert result["found"] >= 0.98 and result["invented"] == 0


@needs_clip
def test_the_cap_is_followed_in_a_real_clip():
    result = runpy.run_path(str(ROOT / "benchmarks" / "air_writing_clip.py"))["measure_marker"](640)
    assert result["followed"] >= 0.95 and result["invented"] == 0
