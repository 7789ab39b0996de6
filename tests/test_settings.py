"""Writing files whole or not at all."""

from pathlib import Path

import pytest

from recognition import settings


def test_an_error_names_the_file_that_was_to_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "a.txt", tmp_path / "missing" / "a.txt", tmp_path / "folder"):
        with pytest.raises(OSError) as error:
            settings.write_atomically(path, lambda temporary: temporary.write_text("new"))
        assert str(error.value.filename) == str(path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_an_error_of_another_file_keeps_its_name(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        settings.write_atomically(tmp_path / "copy", lambda path: path.write_bytes((tmp_path / "nosuch").read_bytes()))
    assert str(error.value.filename) == str(tmp_path / "nosuch")


def test_a_writer_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def half(temporary: Path) -> None:
        temporary.write_text("ne")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        settings.write_atomically(path, half)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.txt", "old")]
    settings.write_atomically(path, lambda temporary: temporary.write_text("new"))
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.txt", "new")]
