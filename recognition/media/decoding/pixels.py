"""The pixels of a Pillow image, of any mode, as a frame."""

import cv2
import numpy as np

STRIP = 4_000_000  # pixels that are brought to our form at once


def to_bgr(image) -> np.ndarray:
    """Return a Pillow image of any mode as BGR uint8 (H, W, 3), made in strips: large ones need no memory twice."""
    width, height = image.size
    deep = image.mode.startswith("I") or image.mode == "F"  # 16 bits and more a pixel
    top = _brightest(image) if deep else 255
    frame = np.empty((height, width, 3), np.uint8)
    rows = max(1, STRIP // width)
    for y in range(0, height, rows):
        strip = image if height <= rows else image.crop((0, y, width, min(y + rows, height)))
        frame[y : y + rows] = _deep_to_bgr(strip, top) if deep else _strip_to_bgr(strip)
    return frame


def _brightest(image) -> float:
    """Return the value that white has in an image of 16 bits and more a pixel."""
    if image.mode == "F":  # in which there may be infinite values, and some that are none
        return float(np.max(values := np.asarray(image), initial=1e-6, where=np.isfinite(values)))
    peak = float(image.getextrema()[1])
    return 255 if peak <= 255 else 4095 if peak <= 4095 else 65535  # scanners keep 12 bits in 16


def _deep_to_bgr(image, top: float) -> np.ndarray:
    values = np.nan_to_num(np.asarray(image).astype(np.float32), posinf=top)
    return cv2.cvtColor(np.clip(values * (255 / top), 0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)


def _strip_to_bgr(image) -> np.ndarray:
    if "A" in image.getbands() or "transparency" in image.info:
        from PIL import Image

        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    image = image if image.mode == "RGB" else image.convert("RGB")  # which copies
    return np.frombuffer(image.tobytes("raw", "BGR"), np.uint8).reshape(image.height, image.width, 3)
