"""Images of objects seen in other ways, to train on and to predict with: mirrored, shifted, nearer, partly hidden.

Images are RGB uint8 (N, H, W, 3); no function changes those it is given.
"""

import cv2
import numpy as np

GREY = (125, 123, 114)  # the mean colour of CIFAR-10, which networks scale to 0


def mirror(images: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return the images, the chosen ones, bool (N,), mirrored left to right."""
    result = images.copy()
    result[chosen] = images[chosen, :, ::-1]
    return result


def shift(images: np.ndarray, rng: np.random.Generator, pixels: int) -> np.ndarray:
    """Return each image shifted by up to so many pixels each way; what comes into view is its mirrored edge."""
    padded = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)), "reflect")
    height, width = images.shape[1:3]
    result = np.empty_like(images)
    for i, (y, x) in enumerate(rng.integers(0, 2 * pixels + 1, (len(images), 2))):
        result[i] = padded[i, y : y + height, x : x + width]
    return result


def zoom(images: np.ndarray, rng: np.random.Generator, times: float) -> np.ndarray:
    """Return the images, half of them seen from nearer, up to so many times, or from a little further away.

    Photos are not cropped as CIFAR's images are: with this, more of them are named, and features suit other classes.
    """
    height, width = images.shape[1:3]
    result = images.copy()
    for i in np.flatnonzero(rng.random(len(images)) < 0.5):
        scale = times ** rng.uniform(-0.5, 1)
        room_x, room_y = width - width / scale, height - height / scale  # below 0: the edges are mirrored
        x, y = (room * (rng.random() if room > 0 else 0.5) for room in (room_x, room_y))
        # Centres of pixels lie at halves
        matrix = np.array([[scale, 0, scale * (0.5 - x) - 0.5], [0, scale, scale * (0.5 - y) - 0.5]])
        result[i] = cv2.warpAffine(
            images[i], matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
        )
    return result


def cut_out(images: np.ndarray, rng: np.random.Generator, side: int) -> np.ndarray:
    """Return each image with a grey square of so many pixels somewhere in it.

    T. DeVries, G. Taylor, "Improved regularization of convolutional neural networks with cutout" (2017).
    """
    height, width = images.shape[1:3]
    result = images.copy()
    for image, (y, x) in zip(
        result, rng.integers(0, (height - side + 1, width - side + 1), (len(images), 2)), strict=True
    ):
        image[y : y + side, x : x + side] = GREY
    return result


def augment(images: np.ndarray, rng: np.random.Generator, pixels: int, times: float, side: int) -> np.ndarray:
    """Return the images shifted by up to so many pixels, zoomed up to so many times, with a square of a side hidden."""
    if pixels:
        images = shift(images, rng, pixels)
    if times > 1:
        images = zoom(images, rng, times)
    return cut_out(images, rng, side) if side else images
