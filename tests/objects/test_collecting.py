"""What is collected, undone, drawn and learned at once, without a window."""

import cv2
import numpy as np
import pytest
from conftest import start_without_heavy_imports

from recognition.files import ROOT
from recognition.objects.classes import NONE
from recognition.objects.collecting import collection, learner, panel, quick_head
from recognition.settings import UserError


def picture(x: int, width: int = 1280, height: int = 720) -> np.ndarray:
    """Return a picture of a ball at x, with the noise of a camera, BGR."""
    image = np.full((height, width, 3), 130, np.uint8)
    cv2.circle(image, (x, height // 2), height // 5, (30, 30, 220), -1)
    noise = np.random.default_rng().normal(0, 4, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def test_what_looks_as_before_is_taken_once_and_at_most_eight_a_second(tmp_path):
    images = collection.Collection(tmp_path / "own", ["cat", "dog"])
    assert [images.take("cat", picture(500), k / 30) is None for k in range(30)] == [False] + [True] * 29
    moving = [images.take("cat", picture(500 + 20 * k), 2 + k / 30) is not None for k in range(30)]
    times = 2 + np.flatnonzero(moving) / 30
    assert moving[1] or moving[2]  # new, and long after the last
    assert np.diff(times).min() >= 1 / collection.RATE
    assert len(times) >= 7
    assert images.take("dog", picture(500), 5) is not None  # another class has a last image of its own
    assert images.counts == {"cat": 1 + len(times), "dog": 1}
    written = sorted(path.relative_to(tmp_path / "own").as_posix() for path in (tmp_path / "own").rglob("*.*"))
    assert written == sorted(images.files["cat"] + images.files["dog"])
    assert cv2.imread(str(tmp_path / "own" / written[0])).shape == (360, 640, 3)


def test_undo_deletes_batch_after_batch_and_nothing_else(tmp_path):
    (tmp_path / "own" / "cat").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "own" / "cat" / "mine.png"), picture(100))
    images = collection.Collection(tmp_path / "own", ["dog", "cat"])
    assert images.counts == {"dog": 0, "cat": 1}
    for k, name in enumerate(["cat", "cat", "cat", "dog", "dog"]):
        assert images.take(name, picture(300 + 60 * k), 0.5 * k)
    assert images.take("cat", picture(900), 10)
    assert images.take("cat", picture(960), 12)  # after a pause
    (tmp_path / "own" / images.files["cat"][-2]).unlink()  # by the user: no reason to fail
    undone = [images.undo() for _ in range(5)]
    assert undone == [("cat", 1), ("cat", 1), ("dog", 2), ("cat", 3), None]
    assert [path.name for path in (tmp_path / "own").rglob("*")] == ["cat", "mine.png"]
    assert images.files == {"dog": [], "cat": ["cat/mine.png"]}
    assert images.take("dog", picture(480), 12.1)  # what was undone can be taken again at once


def test_a_folder_is_gone_on_with_in_its_own_spelling(tmp_path):
    for name, file in (("Cat", "a.png"), ("dog", "b.png"), ("empty", None), (".hidden", "c.png")):
        (tmp_path / name).mkdir()
        if file:
            cv2.imwrite(str(tmp_path / name / file), picture(100))
    assert list(collection.Collection(tmp_path, ["dog", "cat", "bird"]).files) == ["dog", "Cat", "bird"]
    with pytest.raises(UserError, match="has images of Cat, too: name that class"):
        collection.Collection(tmp_path, ["dog", "bird"])
    assert collection.check_names(["Käse", " cat "]) == ["Käse", "cat"]
    with pytest.raises(UserError, match="named twice"):
        collection.check_names(["Ka\u0308se", "K\u00e4SE"])


@pytest.mark.parametrize("shape", [(720, 1280), (90, 160), (20, 400), (400, 20), (7, 7)])
def test_counts_are_drawn_on_frames_of_any_size(shape):
    frame = np.full((*shape, 3), 200, np.uint8)
    counts = {"cat": 12, "a very long name of a class, longer than a narrow frame": 3, "犬": 1234}
    panel.draw_counts(frame, counts, "cat", "hold 1 to 3 to collect, t trains, q quits, h: keys")
    green = (np.abs(frame.astype(int) - (60, 150, 0)).max(-1) < 20).sum()
    if shape[0] >= 90:
        assert green > 100
    if shape == (720, 1280):
        assert (frame[100:180, -100:] < 100).mean() > 0.5
        assert (frame[300:] == 200).all()
        assert (frame[:, :300] == 200).all()  # there are the keys and the answers
        panel.draw_counts(plain := np.full((*shape, 3), 200, np.uint8), counts, "", "")
        assert not (np.abs(plain.astype(int) - (60, 150, 0)).max(-1) < 20).any()


def drawn(count: int, shares=(0.6, 0.3, 0.1), seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return features of three classes, (N, 40), and labels."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1, 2], [int(share * count) for share in shares])
    middle = np.random.default_rng(9).gamma(1, 1, (3, 40))
    return np.maximum(0, middle[labels] + rng.normal(0, 1, (len(labels), 40))).astype(np.float32), labels


def test_the_quick_head_is_where_the_loss_is_lowest():
    """The loss as train_transfer.py has it: every class weighs as much; the numbers are standardised roots."""
    x, labels = drawn(200)
    head = quick_head.train(x, labels, ["a", "b", "c"])
    roots = np.sqrt(x.astype(float))
    variance = roots.var(0)
    z = (roots - roots.mean(0)) / np.sqrt(variance + 0.01 * variance.mean() + 1e-6)
    weight = np.choose(labels, len(labels) / (3 * np.bincount(labels)))

    def loss(kernel, bias):
        logits = z @ kernel + bias
        logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        ridge = quick_head.DECAY * 40 / 18 / len(x) * (kernel**2).sum()
        return -(weight * logs[np.arange(len(x)), labels]).mean() + ridge

    kernel, bias = head._weights[:-1].astype(float), head._weights[-1].astype(float)
    found, rng = loss(kernel, bias), np.random.default_rng(1)
    assert found < 0.5 * loss(0 * kernel, 0 * bias)
    for size in (0.3, 0.03):
        for _ in range(50):
            other = loss(kernel + size * rng.normal(size=kernel.shape), bias + size * rng.normal(size=3))
            assert other > found - 1e-4
    assert np.allclose(head.run(x)["probabilities"].sum(1), 1, atol=1e-5)
    new, new_labels = drawn(200, seed=1)
    assert (head.run(new)["probabilities"].argmax(1) == new_labels).mean() > 0.9
    assert head.threshold() == 0
    assert quick_head.train(x, labels, ["a", "b", NONE]).threshold() == 0.5


def test_images_that_are_all_alike_teach_nothing_and_harm_nothing():
    head = quick_head.train(np.zeros((10, 40), np.float32), np.repeat([0, 1], 5), ["a", "b"])
    assert np.allclose(head.run(np.zeros((1, 40)))["probabilities"], 0.5, atol=1e-3)
    assert np.isfinite(head.run(np.full((1, 40), 6.0))["probabilities"]).all()


def python(tmp_path, name: str, code: str):
    (tmp_path / name).write_text(code)
    return [tmp_path / name]


def test_scripts_run_one_after_the_other_and_what_fails_is_told(tmp_path, capsys):
    one = python(tmp_path, "one.py", "import sys; print('first'); sys.exit(1)")  # some images could not be used
    own = tmp_path / "own"
    own.with_suffix(".tflite").write_bytes(b"")
    printed = f"nothing: yet\n{own}: 90% of it: well\n3 images: odd"
    two = python(tmp_path, "two.py", f"import sys; print('few images', file=sys.stderr); print({printed!r})")
    with learner.Saving([one, two]) as saving:
        assert saving.done(wait=True)
        assert saving.result() == (str(own), printed)
    assert capsys.readouterr().err == "few images\n"
    own.with_suffix(".tflite").unlink()
    with pytest.raises(UserError, match="not saved: no model among"), learner.Saving([two]) as saving:
        assert saving.done(wait=True)
        saving.result()
    bad = python(
        tmp_path, "bad.py", "import sys; print('one\\nerror: no such thing: do this', file=sys.stderr); sys.exit(2)"
    )
    with pytest.raises(UserError, match=r"^not saved: no such thing: do this$"), learner.Saving([bad, two]) as saving:
        saving.done(wait=True)
    slow = python(tmp_path, "slow.py", "import time; time.sleep(100)")
    with learner.Saving([slow, two]) as saving:
        process = saving._process
        assert not saving.done()
    assert process.poll() is not None


def test_collect_starts_without_what_takes_seconds(tmp_path):
    start_without_heavy_imports(ROOT / "cifar_recognition" / "collect.py", "--list-cameras", cwd=tmp_path)
