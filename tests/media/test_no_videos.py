"""What is no video is refused in one line that names it."""

import os

import pytest
from PIL import Image
from test_videos import numbered, refusal

from recognition.media.videos import VideoSource
from recognition.settings import UserError


def test_missing_file(tmp_path):
    assert "not found" in refusal(tmp_path / "none.mp4")


def test_empty_file(tmp_path):
    (tmp_path / "a.mp4").touch()
    assert "empty" in refusal(tmp_path / "a.mp4")


def test_empty_name():
    with pytest.raises(UserError, match="an empty path: name a video"):
        VideoSource("")


def test_folder(tmp_path):
    assert "a folder" in refusal(tmp_path)


@pytest.mark.parametrize("suffix", [".jpg", ".PNG", ".bmp", ".tiff", ".webp", ".pdf"])
def test_a_picture_is_no_film_of_one_frame(tmp_path, suffix):
    path = tmp_path / f"photo{suffix}"
    Image.fromarray(numbered(3)).save(path)
    assert refusal(path) == f"{path}: a picture, no video: predict_static.py reads pictures"


def test_a_text_is_not_drawn_as_a_film(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("Dear diary, " * 50)
    assert refusal(path) == f"{path}: a text, no video: name a video file"


def test_text_renamed_to_mp4(tmp_path, capfd):
    (tmp_path / "a.mp4").write_text("Dear diary, " * 50)
    assert "no video" in refusal(tmp_path / "a.mp4")
    assert capfd.readouterr().err == ""


def test_address_where_nobody_answers(capfd):
    with pytest.raises(UserError, match="cannot be opened: check the address"):
        VideoSource("http://127.0.0.1:9/clip.mp4")
    assert capfd.readouterr().err == ""


def test_a_pipe_is_refused(tmp_path):
    """It could be read only once, and the rate is measured first."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(tmp_path / "a.mp4")
    assert "no file" in refusal(tmp_path / "a.mp4")
