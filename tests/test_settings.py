"""Writing files whole or not at all."""

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
