"""What we draw ourselves, so that no photo has to be published: a ship, an airplane, a truck, fruit, and people."""

from dataclasses import dataclass

import cv2
import numpy as np

WIDTH, HEIGHT = 640, 480  # of a scene, pixels
FRUIT = 128  # pixels, side of a picture of a fruit


def gradient(top: tuple, bottom: tuple, height: int) -> np.ndarray:
    """Return rows from one BGR colour to another, float32 (height, WIDTH, 3)."""
    share = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    return np.repeat(np.float32(top) * (1 - share) + np.float32(bottom) * share, WIDTH, axis=1)


def finish(scene: np.ndarray) -> np.ndarray:
    """Return a scene, float32 BGR 0-255, as a camera would see it: soft, with noise, uint8."""
    noise = np.random.default_rng(0).normal(0, 4, scene.shape)
    return np.clip(cv2.GaussianBlur(scene, None, 1.2) + noise, 0, 255).astype(np.uint8)


def polygon(scene: np.ndarray, color: tuple, *points: tuple[int, int]) -> None:
    """Fill a polygon of a scene, in place."""
    cv2.fillPoly(scene, [np.array(points, np.int32)], color, cv2.LINE_AA)


def ship() -> np.ndarray:
    """Return a freighter at sea, uint8 (HEIGHT, WIDTH, 3), BGR."""
    scene = np.concatenate(
        [gradient((235, 190, 140), (245, 230, 215), 260), gradient((150, 110, 60), (90, 60, 30), 220)]
    )
    rng = np.random.default_rng(1)
    for y in range(270, HEIGHT, 4):  # waves
        for x in rng.integers(0, WIDTH, 8):
            cv2.line(scene, (int(x), y), (int(x) + (y - 240) // 5, y), (185, 150, 100), 1, cv2.LINE_AA)
    polygon(scene, (40, 40, 150), (60, 262), (590, 250), (550, 330), (110, 330))
    polygon(scene, (50, 45, 45), (84, 300), (566, 300), (550, 330), (110, 330))
    polygon(scene, (235, 235, 235), (120, 180), (230, 180), (230, 262), (120, 262))
    polygon(scene, (225, 225, 225), (135, 140), (215, 140), (215, 180), (135, 180))
    for x in range(130, 225, 18):
        cv2.rectangle(scene, (x, 195), (x + 8, 205), (80, 60, 50), cv2.FILLED)
    polygon(scene, (40, 60, 200), (160, 95), (192, 95), (192, 140), (160, 140))
    for k, color in enumerate([(60, 120, 200), (150, 90, 40), (70, 140, 70), (60, 60, 180), (150, 150, 150)]):
        cv2.rectangle(scene, (255 + 56 * k, 215), (305 + 56 * k, 258), color, cv2.FILLED)
    cv2.line(scene, (540, 255), (540, 150), (70, 70, 70), 4, cv2.LINE_AA)
    return finish(scene)


def airplane() -> np.ndarray:
    """Return an airliner in the sky, uint8 (HEIGHT, WIDTH, 3), BGR."""
    scene = gradient((200, 140, 70), (240, 215, 180), HEIGHT)
    polygon(scene, (190, 185, 180), (300, 230), (400, 235), (230, 110), (205, 112))  # the far wing
    for width, color in ((30, (170, 165, 160)), (26, (245, 245, 245))):
        cv2.line(scene, (140, 255), (520, 235), color, 2 * width, cv2.LINE_AA)
    polygon(scene, (120, 70, 160), (105, 255), (60, 150), (105, 150), (175, 240))  # the tail
    polygon(scene, (200, 195, 190), (120, 262), (50, 300), (80, 303), (170, 272))
    polygon(scene, (175, 170, 165), (290, 265), (390, 262), (250, 400), (215, 400))  # the near wing
    cv2.line(scene, (312, 318), (350, 314), (120, 115, 115), 22, cv2.LINE_AA)
    for x in range(190, 500, 16):
        cv2.circle(scene, (x, 249 - (x - 190) // 19), 4, (90, 70, 60), cv2.FILLED, cv2.LINE_AA)
    polygon(scene, (80, 60, 50), (520, 222), (540, 230), (536, 238), (518, 234))
    return finish(scene)


def truck() -> np.ndarray:
    """Return a truck on a road, uint8 (HEIGHT, WIDTH, 3), BGR."""
    scene = np.concatenate(
        [gradient((230, 190, 150), (240, 225, 205), 270), gradient((70, 130, 90), (60, 110, 80), 60)]
    )
    scene = np.concatenate([scene, gradient((95, 95, 95), (120, 120, 120), HEIGHT - 330)])
    polygon(scene, (235, 235, 240), (60, 110), (410, 110), (410, 345), (60, 345))
    polygon(scene, (215, 215, 220), (60, 320), (410, 320), (410, 345), (60, 345))
    polygon(scene, (40, 40, 190), (420, 190), (520, 190), (570, 265), (580, 350), (420, 350))
    polygon(scene, (120, 90, 60), (455, 205), (512, 205), (546, 262), (455, 262))
    polygon(scene, (50, 50, 50), (60, 345), (585, 345), (585, 368), (60, 368))
    cv2.rectangle(scene, (562, 310), (582, 330), (200, 240, 250), cv2.FILLED)
    for x in (130, 210, 500):
        cv2.circle(scene, (x, 372), 42, (35, 35, 35), cv2.FILLED, cv2.LINE_AA)
        cv2.circle(scene, (x, 372), 18, (160, 160, 160), cv2.FILLED, cv2.LINE_AA)
    return finish(scene)


def fruit(kind: str, number: int) -> np.ndarray:
    """Return a picture of an apple or a banana on a table, uint8 (FRUIT, FRUIT, 3), BGR; each number another."""
    rng = np.random.default_rng([len(kind), number])
    table = rng.uniform(60, 230) * rng.uniform(0.85, 1.15, 3)
    scene = (
        np.full((FRUIT, FRUIT, 3), table, np.float32) * np.linspace(0.8, 1.15, FRUIT, dtype=np.float32)[:, None, None]
    )
    x, y = (int(value) for value in rng.integers(50, 79, 2))
    size, light = int(rng.integers(26, 44)), rng.uniform(0.75, 1.15)
    cv2.ellipse(scene, (x + 4, y + size - 2), (size, size // 4), 0, 0, 360, table * 0.55, -1, cv2.LINE_AA)
    if kind == "banana":
        turn, skin = rng.uniform(0, 360), light * np.array([60, 205, 235]) * rng.uniform(0.9, 1.1, 3)
        for angle in np.linspace(0, 150, 60):
            thick = int(2 + 0.32 * size * np.sin(np.pi * (angle + 12) / 174))
            place = x + size * np.cos(np.radians(turn + angle)), y + size * np.sin(np.radians(turn + angle))
            cv2.circle(
                scene, tuple(map(int, place)), thick, skin * (0.86 + 0.14 * np.cos(np.radians(angle))), -1, cv2.LINE_AA
            )
    else:
        red = np.array([40, 40, 205]) if rng.random() < 0.6 else np.array([60, 190, 140])
        skin = light * (red if kind == "apple" else np.array([110, 45, 75])) * rng.uniform(0.85, 1.15, 3)
        wide = size if kind == "apple" else int(0.8 * size)
        for share in np.linspace(1, 0.1, 12):
            place = int(x - (1 - share) * wide * 0.3), int(y - (1 - share) * size * 0.3)
            axes = int(wide * share), int(size * share * (0.92 if kind == "apple" else 1))
            cv2.ellipse(scene, place, axes, 0, 0, 360, skin * (1.25 - 0.35 * share), -1, cv2.LINE_AA)
        if kind == "apple":
            cv2.line(scene, (x, y - size + 6), (x + 6, y - size - 8), (30, 50, 70), 3, cv2.LINE_AA)
    return finish(scene)


@dataclass(frozen=True)
class Person:
    """A drawn person: colours BGR 0-255, half width and half height of the face as shares of the picture."""

    skin: tuple[int, int, int]
    hair: tuple[int, int, int]
    width: float
    height: float
    lips: tuple[int, int, int]
    eyes: float = 1.0  # times the usual size, as the nose
    nose: float = 1.0
    brow: int = 2  # pixels
    long_hair: bool = True
    bearded: bool = False  # and in glasses


PEOPLE = {  # as different from one another as both networks of faces find drawn people
    "Ada": Person((114, 156, 213), (30, 35, 45), 0.298, 0.22, (107, 119, 184), eyes=0.8, nose=1.48, brow=3),
    "Ben": Person(
        (120, 160, 210), (200, 205, 210), 0.188, 0.326, (123, 78, 185), 0.8, 1.79, 2, long_hair=False, bearded=True
    ),
    "Cleo": Person(
        (50, 75, 115), (40, 60, 110), 0.196, 0.365, (83, 125, 157), eyes=0.73, nose=1.61, brow=7, long_hair=False
    ),
    "stranger": Person(
        (87, 118, 162), (40, 90, 170), 0.291, 0.22, (74, 51, 159), 0.83, 0.77, 3, long_hair=False, bearded=True
    ),
}


def portrait(name: str, photo: int, size: int = 320) -> np.ndarray:
    """Return a photo of one of PEOPLE, uint8 (size, size, 3), BGR; `photo`: other light, other clothes."""
    person, rng = PEOPLE[name], np.random.default_rng([[*PEOPLE].index(name), photo])
    scene = np.full((size, size, 3), rng.uniform(110, 200) * rng.uniform(0.9, 1.1, 3), np.float32)
    x, y = (size // 2 + int(shift) for shift in rng.integers(-8, 9, 2))
    width, height = person.width * size, person.height * size
    skin, hair = np.array(person.skin, float), np.array(person.hair, float)

    def oval(dx: float, dy: float, a: float, b: float, color, thickness: int = -1, ends: tuple = (0, 360)) -> None:
        """Draw an ellipse: centre and axes in halves of the face."""
        centre, axes = (int(x + dx * width), int(y + dy * height)), (max(1, int(a * width)), max(1, int(b * height)))
        cv2.ellipse(scene, centre, axes, 0, *ends, tuple(np.clip(color, 0.0, 255.0)), thickness, cv2.LINE_AA)

    def bar(left: float, right: float, dy: float, color, thickness: int) -> None:
        ends = [(int(x + end * width), int(y + dy * height)) for end in (left, right)]
        cv2.line(scene, *ends, tuple(np.clip(color, 0.0, 255.0)), thickness, cv2.LINE_AA)

    if person.long_hair:
        oval(0, -0.05, 1.45, 1.25, hair)
        corners = (int(x - 1.4 * width), y), (int(x + 1.4 * width), int(y + 1.35 * height))
        cv2.rectangle(scene, *corners, tuple(hair), cv2.FILLED)
    neck = (int(x - 0.45 * width), int(y + 0.6 * height)), (int(x + 0.45 * width), size)
    cv2.rectangle(scene, *neck, tuple(0.85 * skin), cv2.FILLED)
    shoulders = (int(1.9 * width), int(0.3 * size))
    cv2.ellipse(scene, (x, int(1.12 * size)), shoulders, 0, 0, 360, tuple(rng.uniform(30, 220, 3)), -1, cv2.LINE_AA)
    for side in (-1, 1):
        oval(side, 0, 0.14, 0.2, 0.92 * skin)
    oval(0, 0, 1, 1, skin)
    if person.bearded:
        oval(0, 0.15, 0.99, 0.84, 0.9 * hair + 12, ends=(8, 172))
        oval(0, 0.02, 0.72, 0.42, skin)
    oval(0, -0.45, 1.02, 0.62, hair, ends=(180, 360))
    for side in (-0.43, 0.43):
        for a, b, color in (
            (0.27, 0.14, 0.82 * skin),
            (0.2, 0.085, (240,) * 3),
            (0.1, 0.08, (60, 50, 40)),
            (0.045, 0.036, (10,) * 3),
        ):
            oval(side, -0.12, a * person.eyes, b * person.eyes, color)
        bar(side - 0.24, side + 0.24, -0.35, 0.8 * hair, person.brow)
    oval(0, 0.13, 0.1 * person.nose, 0.2, 1.06 * skin)
    for side in (-0.1, 0.1):
        oval(side * person.nose, 0.26, 0.07 * person.nose, 0.05, 0.8 * skin)
    oval(0, 0.55, 0.38, 0.085, person.lips)
    bar(-0.38, 0.38, 0.55, 0.6 * np.array(person.lips, float), 2)
    if person.bearded:
        for side in (-0.43, 0.43):
            oval(side, -0.11, 0.36, 0.25, (25, 20, 20), 5)
        bar(-0.1, 0.1, -0.13, (25, 20, 20), 5)
    across, down = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size))
    angle = rng.uniform(0, 2 * np.pi)
    scene *= (1 + 0.18 * (across * np.cos(angle) + down * np.sin(angle)))[..., None]  # light from one side
    return finish(scene * rng.uniform(0.9, 1.1))
