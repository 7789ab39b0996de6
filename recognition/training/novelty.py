"""None of these: does a network see one of the things it was trained on, or something else?

Its probabilities cannot tell: they add up to one whatever it sees, and a face looks to it much like a dog. Its
features, the numbers before its last layer, can: a line through them parts the training images from drawn people, who
lie where most photographs of people, of writing and of bare surfaces lie, too. No photograph of anybody is needed.
"""

import numpy as np

from recognition.synthetic import portraits

PEOPLE = 300  # drawn


def others(images: np.ndarray, seed: int = 0) -> list[np.ndarray]:
    """Return frames that show none of the classes, BGR uint8 (H, H, 3): drawn people before the images, RGB uint8."""
    rng = np.random.default_rng(seed)
    behind = images[rng.integers(0, len(images), PEOPLE), :, :, ::-1]
    return [portraits.draw_person(person, background, rng) for person, background in enumerate(behind)]


def line(inside: np.ndarray, outside: np.ndarray, ridge: float = 0.1) -> np.ndarray:
    """Return the line that best parts features of known things, float32 (N, D), from others, (M, D): float32 (D + 1,).

    Least squares with a ridge, 1 for known and 0 for others, both sides weighing the same; the offset comes last.
    """
    spread = inside.std(axis=0) + 0.02  # a feature that hardly ever varies would otherwise count without bound
    x = np.concatenate([inside, outside]) / spread
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    known = np.arange(len(x)) < len(inside)
    weights = np.where(known, 0.5 / len(inside), 0.5 / len(outside))
    found = np.linalg.solve(x.T @ (x * weights[:, None]) + ridge * np.eye(x.shape[1]), x.T @ (weights * known))
    found[:-1] /= spread
    return found.astype(np.float32)
