"""People whose faces are colours."""

import pytest
from coloured_faces import picture
from people_folder import save


@pytest.fixture
def folder(tmp_path):
    """Return a folder of three people with two photos each, put there by hand."""
    for number, colour in enumerate(("red", "green", "blue")):
        for seed in range(2):
            save(tmp_path / "faces" / colour / f"{seed}.png", picture((colour, 30, 30, 60), seed=10 * number + seed))
    return tmp_path / "faces"
