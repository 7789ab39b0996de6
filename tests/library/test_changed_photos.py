"""Photos that were overwritten, or are gone, since the library looked at them: nobody is enrolled from them."""

import cv2
from coloured_faces import picture
from coloured_library import look, new_library

from recognition.library import naming, pictures

ADD = "python face_recognition/library.py add"


def test_photos_that_were_overwritten_or_are_gone_enrol_nobody(tmp_path, monkeypatch):
    """Other files got their names, or another program has just looked: who is in them now is not who was named."""
    library, folder = new_library(tmp_path, monkeypatch), tmp_path.resolve() / "photos"
    monkeypatch.setattr(naming, "refusal", lambda *_: None)  # plain squares are blurred
    folder.mkdir()
    for k in range(3):
        cv2.imwrite(str(folder / f"{k}.png"), picture(("red", 30 + k, 30, 60), seed=k))
    look(library, folder)
    (group,) = library.groups()
    cv2.imwrite(str(folder / "0.png"), picture(("green", 30, 30, 60), seed=9))
    (folder / "1.png").unlink()
    (folder / "2.png").unlink()
    enroll_clearest = library._enroll_clearest

    def enroll_late(*arguments):
        library.index.mark_gone(str(folder), ["2.png"], True)
        return enroll_clearest(*arguments)

    monkeypatch.setattr(library, "_enroll_clearest", enroll_late)
    *named, reasons = library.name_group(group.number, "Ada")
    assert named == ["Ada", 3, 0] and library.people.photos("Ada") == []
    assert sorted(reasons) == [
        f"{folder / '0.png'}: was changed since it was looked at: {ADD} {folder}",
        f"{folder / '1.png'}: gone since it was looked at: {ADD} FOLDER",
        f"a photo: gone since it was looked at: {ADD} FOLDER",
    ]
    portraits = [pictures._portrait(library, one) for one in group.faces]
    assert len(portraits) == 3 and all((one == 128).all() for one in portraits)
