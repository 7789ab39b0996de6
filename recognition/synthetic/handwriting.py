"""Handwriting that we make ourselves: digits, letters and signs as pen strokes, bent and slanted like a hand does.

Training takes its "no digit" shapes from here, tests and sample pictures their digits, so none of them needs a dataset.
"""

import cv2
import numpy as np

from recognition.synthetic import surfaces

# A glyph is strokes separated by spaces; a stroke is points "xy" on a grid 0-4 wide and 0-6 high (y down).
# "~" joins the points by a smooth curve, otherwise by straight lines. Several ways of writing a glyph: several entries.
DIGITS = {
    "0": ["~201002051626354431302010", "~301001051636454130"],
    "1": ["2026", "022026", "022026 1636", "3016"],
    "2": ["~0110304112060616 0646", "~0111304122051626 ~05162646", "~01103142331506 0646"],
    "3": ["~0110304132231323344536260605", "004013 ~13234445361605", "~0120403213 ~133345462606"],
    "4": ["3036 300444", "000343 3036", "~0013 0343 3136"],
    "5": ["400003 ~0222434546260605", "~100012324345361605 1040", "4010 1002 ~02334445361605"],
    "6": ["~3011030515264534231304", "~201003051636443313 04"],
    "7": ["004026", "004016 1333", "010040 ~402316"],
    "8": ["~2010011223344536261604132231403020", "~3010011233453616041332413010"],
    "9": ["~4130100112324140 4146", "~413010011232413130 ~41443626", "~4130100112224140 ~41434526"],
}
# Forms that are common in Europe and Asia: flags and feet, bars, hooks, slashed zeros, nines like a g
FOREIGN = {
    "0": ["~201002051626354431302010 4006", "~2110020516263544312011"],
    "1": ["032026", "042036", "~0313202026 0646", "~03122026", "0220 20260646"],
    "2": ["~0110304132140506 ~06151636 3645", "~0110203031220506 ~06152546"],
    "3": ["00402223 ~23334445361605", "~01103041322213 ~13233444453616"],
    "4": ["200343 3136", "~000212133343 3036", "2004 0444 2226", "000343 4046"],
    "5": ["400002 ~0212334445261605", "301002 ~021233341605", "~40200212334445261605"],
    "6": ["~4020020516354433140405", "~300205163544330304"],
    "7": ["010040 ~402316 1333", "0100 0040 ~402316 1343"],
    "8": ["~4020011233453616051332414030"],
    "9": ["~4130100112324140 ~40444536261605", "~41301001123241 4036", "~3010011232303036"],
}
NO_DIGITS = {
    "A": ["062046 1434", "~0611203246 1434"], "C": ["~4130100105163645"],
    "E": ["40000646 0333", "~4120011213 ~1304062645"], "F": ["400006 0333", "0040 0006 0232"],
    "H": ["0006 4046 0343"], "K": ["0006 4003 0346"], "L": ["000646"], "M": ["0600244046", "~06002340 ~4046"],
    "N": ["06004640"], "P": ["0006 ~0020413303"], "R": ["0006 ~0020413303 2346"], "T": ["0040 2026"], "V": ["002640"],
    "W": ["0016234640", "~000616233640"], "X": ["0046 4006", "~00132346 4006"], "a": ["~4231110415254442 ~424546"],
    "d": ["~4332130415354543 4046"], "e": ["~03433010031645", "~0433412001041645"], "f": ["~41302126 0343"],
    "h": ["0006 ~0413233446"], "k": ["0006 3204 0446"], "m": ["0206 ~0412232426 ~2432434446"],
    "n": ["0106 ~0312314346"], "p": ["0006 ~01103142331303"], "r": ["0106 ~03112041"],
    "t": ["~20253646 0141", "~20253646 0242"], "w": ["~010616233641"], "+": ["2026 0343", "2125 0343"], "-": ["0040"],
    "=": ["0242 0444"], "*": ["2026 0145 4105"], "#": ["1016 3036 0242 0444"], ":": ["2122 2526"], ">": ["004306"],
    "<": ["400346"], "^": ["042044"], "v": ["032640"], "arrow": ["0343 314335"], "bracket": ["300636"],
    "pi": ["0040 1016 3036"], "root": ["0314264040"], "division": ["0343 2122 2526"],
    "percent": ["4006 ~1021120110 ~3545463635"],
}  # fmt: skip


def _points(stroke: str) -> tuple[np.ndarray, bool]:
    """Return a stroke's points, float (N, 2) as x y in grid units, and whether a smooth curve joins them."""
    coordinates = stroke.lstrip("~")
    return np.array(list(coordinates), float).reshape(-1, 2), stroke.startswith("~")


def _densify(points: np.ndarray, smooth: bool, steps: int = 8) -> np.ndarray:
    """Return (M, 2) points along the stroke: a Catmull-Rom spline if smooth, else straight lines."""
    if len(points) < 2:
        return points
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    before, after = points[:-1], points[1:]
    if smooth:
        padded = np.concatenate([[2 * points[0] - points[1]], points, [2 * points[-1] - points[-2]]])
        first, last = padded[:-3], padded[3:]
        pieces = [
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
            for a, b, c, d in zip(first, before, after, last, strict=True)
        ]
    else:
        pieces = [b + (c - b) * t for b, c in zip(before, after, strict=True)]
    return np.concatenate([*pieces, points[-1:]])


def write(glyph: str, rng: np.random.Generator, wobble: float = 1.0, foreign: bool = False) -> list[np.ndarray]:
    """Return the strokes of one written glyph, each float (N, 2) as x y, in a box about 0.7 wide and 1 high.

    `glyph` is a key of DIGITS or NO_DIGITS. `wobble` 0 gives the plain form, 1 a normal hand; `foreign` takes
    the forms of FOREIGN, too.
    """
    forms = (DIGITS.get(glyph) or NO_DIGITS[glyph]) + (FOREIGN.get(glyph, []) if foreign else [])
    form = forms[rng.integers(len(forms))]
    slant, lean = rng.normal(0, 0.18 * wobble), rng.normal(0, 0.08 * wobble)
    width = 0.7 * np.exp(rng.normal(0, 0.18 * wobble))
    matrix = np.array([[np.cos(lean), -np.sin(lean)], [np.sin(lean), np.cos(lean)]]) @ [[width, -slant], [0, 1]]
    bends = rng.normal(0, 0.025 * wobble, (2, 2, 2))  # amplitude of slow waves across the glyph
    phases = rng.uniform(0, 2 * np.pi, (2, 2))
    strokes = []
    for text in form.split():
        points, smooth = _points(text)
        points = points + rng.normal(0, 0.1 * wobble, points.shape)
        line = _densify(points, smooth or rng.random() < 0.2 * wobble) / [4, 6] - 0.5
        waves = np.sin(2 * np.pi * line[:, None, :] * [[1.0], [1.7]] + phases)
        strokes.append((line + np.einsum("nkx,kxy->ny", waves, bends)) @ matrix.T)
    return strokes


def draw_sheet(rng: np.random.Generator, side: int = 256) -> np.ndarray:
    """Return a photo of a sheet full of digits, letters and signs, BGR uint8 (side, side, 3); at times a blackboard."""
    height, tilt = rng.uniform(16, 90), rng.normal(0, 0.05)
    ink, pen = np.zeros((side, side), np.uint8), max(1, round(height * rng.uniform(0.04, 0.14)))
    glyphs, gap = [*DIGITS, *NO_DIGITS], rng.uniform(0.7, 1.6)
    for y in np.arange(rng.uniform(0.3, 1) * height, side + height, height * rng.uniform(1.3, 2.2)):
        for x in np.arange(rng.uniform(0, 1) * height, side, gap * height):
            if rng.random() < 0.15:  # a space
                continue
            for stroke in write(str(rng.choice(glyphs)), rng, foreign=True):
                points = np.round(16 * (height * stroke + [x, y + np.tan(tilt) * x])).astype(np.int32)
                cv2.polylines(ink, [points], False, 255, pen, cv2.LINE_AA, shift=4)
    cover = cv2.GaussianBlur(ink, (0, 0), 0.7).astype(np.float32)[..., None] / 255
    paper = surfaces.paper(side, height, tilt, 1.0, rng)[..., None] * rng.uniform(0.85, 1, 3) * 255
    colour = rng.uniform(0, 110, 3)
    if rng.random() < 0.12:
        paper, colour = 255 - paper, 255 - colour
    image = paper + rng.uniform(0.6, 1) * cover * (colour - paper)
    return np.clip(image + rng.normal(0, 3, (side, side, 1)), 0, 255).astype(np.uint8)
