"""Drawn faces that the detectors accept, for tests, pictures and training without photographs of real people."""

from pathlib import Path

import cv2
import numpy as np


def draw_face(person: int, photo: int = 0, size: int = 240) -> np.ndarray:
    """Return a photo of a drawn person, BGR uint8 (size, size, 3); `photo`: other light, other place, other noise.

    YuNet and HOG find exactly one face in it.
    """
    look, shot = np.random.default_rng(person), np.random.default_rng([person, photo])
    image = np.full((size, size, 3), int(shot.integers(90, 200)), np.uint8)
    skin = np.array([look.integers(110, 170), look.integers(150, 190), look.integers(190, 230)], float)
    hair = tuple(map(int, look.integers(10, 110, 3)))
    x, y = (size // 2 + int(shift) for shift in shot.integers(-10, 10, 2))
    w, h = size * look.uniform(0.22, 0.28), size * look.uniform(0.30, 0.36)
    eye_x, eye_y = 0.42 * w * look.uniform(0.9, 1.1), h * look.uniform(0.12, 0.22)
    brow, mouth, lips, beard = (
        2 + int(look.integers(4)),
        look.uniform(0.48, 0.58),
        look.uniform(0.3, 0.42),
        look.random(),
    )

    def oval(dx: float, dy: float, half_width: float, half_height: float, colour, degrees: int = 360) -> None:
        axes = max(1, int(half_width * w)), max(1, int(half_height * h))
        colour = tuple(map(float, np.clip(colour, 0, 255)))
        cv2.ellipse(image, (int(x + dx), int(y + dy)), axes, 0, 0, degrees, colour, -1, cv2.LINE_AA)

    oval(0, -h / 6, 1.15, 1.05, hair)
    oval(0, 0, 1, 1, skin)
    for side in (-eye_x, eye_x):
        oval(side, -eye_y, 0.26, 0.12, 0.75 * skin)
        oval(side, -eye_y, 0.2, 0.07, (240, 240, 240))
        oval(side, -eye_y, 0.09, 0.065, (40, 40, 40))
        ends = [(int(x + side + end * w), int(y - eye_y - 0.19 * h)) for end in (-0.22, 0.22)]
        cv2.line(image, *ends, hair, brow, cv2.LINE_AA)
    oval(0, 0.06 * h, 0.1, 0.24, 1.06 * skin)
    oval(0, 0.26 * h, 0.2, 0.05, 0.6 * skin, degrees=180)
    oval(0, mouth * h, lips, 0.07, skin * (0.6, 0.55, 0.85))
    if beard < 0.5:
        oval(0, (mouth - 0.13) * h, 0.4, 0.06, hair)
    image = cv2.GaussianBlur(image, (0, 0), 1.5) * shot.uniform(0.8, 1.15) + shot.normal(0, 4, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


def draw_person(person: int, background: np.ndarray, rng: np.random.Generator, size: int = 160) -> np.ndarray:
    """Return a drawn person, head and shoulders, in any light, BGR uint8 (size, size, 3).

    `background`: what is behind, BGR uint8 (H, W, 3).
    """
    face = draw_face(person, person, size).astype(np.float32)
    wall = np.median(np.concatenate([face[:4].reshape(-1, 3), face[:, :4].reshape(-1, 3)]), axis=0)
    head = (np.abs(face - wall).max(axis=2) > 30).astype(np.uint8)
    head = cv2.morphologyEx(head, cv2.MORPH_CLOSE, np.ones((size // 8, size // 8)))
    head = cv2.GaussianBlur(head.astype(np.float32), (0, 0), size / 100)[..., None]
    image = cv2.resize(background, (size, size), interpolation=cv2.INTER_CUBIC)
    image = cv2.GaussianBlur(image, (0, 0), max(0.5, size * rng.uniform(0, 0.03))).astype(np.float32)
    if rng.random() < 0.3:
        image[:] = rng.uniform(0, 255, 3)  # a plain wall
    if rng.random() < 0.8:
        shoulders = size * rng.uniform(0.4, 0.7), size * rng.uniform(0.28, 0.4)
        clothes = tuple(rng.uniform(10, 230, 3))
        cv2.ellipse(
            image, (size // 2, int(1.1 * size)), tuple(map(int, shoulders)), 0, 0, 360, clothes, -1, cv2.LINE_AA
        )
        neck = tuple(np.array([100, 130, 180]) * rng.uniform(0.4, 1.2))
        cv2.rectangle(image, (int(0.36 * size), int(0.7 * size)), (int(0.64 * size), int(0.95 * size)), neck, -1)
    image = head * face + (1 - head) * image
    y, x = np.mgrid[:size, :size] / size - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    image *= 1 + rng.uniform(0, 0.6) * (x * np.cos(angle) + y * np.sin(angle))[..., None]  # light from one side
    image *= rng.uniform(0.4, 1.1) * rng.uniform(0.9, 1.1, 3)
    if rng.random() < 0.2:
        image[:] = image.mean(axis=2, keepdims=True)
    return np.clip(image + rng.normal(0, rng.uniform(0, 8), image.shape), 0, 255).astype(np.uint8)


def write_people(folder: Path, people: int, photos: int, first: int = 0) -> Path:
    """Write photos of drawn people, FOLDER/person 0/0.png and so on; return the folder."""
    for person in range(first, first + people):
        (folder / f"person {person}").mkdir(parents=True)
        for photo in range(photos):
            cv2.imwrite(str(folder / f"person {person}" / f"{photo}.png"), draw_face(person, photo))
    return folder
