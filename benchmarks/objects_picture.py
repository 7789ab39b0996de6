"""Draw the picture of the README for objects: drawn scenes, named by predict_static.py's own functions.

    python benchmarks/objects_picture.py              # after every training of models/cifar10.*, into docs/objects.jpg
    python benchmarks/objects_picture.py --output /tmp/objects.jpg

The scenes are drawn here, so no photo is published.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from recognition import files, settings
from recognition.objects import classification, drawing, occlusion

WIDTH, HEIGHT = 640, 480  # of a scene, pixels


@dataclass
class Config:
    output: Path = files.ROOT / "docs" / "objects.jpg"  # the picture


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


def main(config: Config) -> None:
    classifier = classification.load("cifar10")
    pictures = []
    for scene, explained in ((ship(), False), (airplane(), True), (truck(), False)):
        seen = classification.classify(scene, classifier, classifier.threshold(None), 3)
        print(classification.text_of(seen))
        heat = occlusion.explain(scene, classifier, seen.top[0].label) if explained else None
        pictures.append(drawing.picture(scene, seen, heat))
    files.write_atomically(config.output, lambda path: cv2.imwrite(str(path), np.hstack(pictures)), ".jpg")


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
