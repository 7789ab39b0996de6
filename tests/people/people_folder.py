"""A folder of people, and what is asked of its database."""

import os
import time

import cv2
import numpy as np
from coloured_faces import Detector, Embedder, picture

from recognition.people.database import People

INDEX = ".embeddings.sqlite"


def save(path, image, age=10):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)
    os.utime(path, (time.time() - age,) * 2)


def open_people(folder, name="colours"):
    return People(folder, Detector(), Embedder(name), may_be_new=True)


def notices(database):
    """Tell whether a refresh notices something; the folder is not listed all the time."""
    limit = time.monotonic() + 5
    while not (noticed := database.refresh()) and time.monotonic() < limit:
        time.sleep(0.02)
    return noticed


def who(database, colour):
    embedding = Embedder().embed(np.full((1, 16, 16, 3), picture((colour, 0, 0, 60))[30, 30], np.uint8))
    return database.gallery().match(embedding)[0].nearest
