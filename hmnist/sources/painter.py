"""Paints lesion-like images: skin, pigment, border, network, vessels, scar, hair. No photograph.

`paint` turns numbers into images. A lesion has its own colours, shape and texture, drawn around
what is typical of its diagnosis; an image has its own view of the lesion (turn, zoom, shift,
light). An image looks the same whichever others are painted with it.

Colours follow the Beer–Lambert law: skin reflects light, and melanin, blood and melanin that lies
deep (which looks blue) each take their share of red, green and blue. The amounts are set by eye
from what dermatoscopy teaches; nothing is fitted to a data set.
"""

import numpy as np
import numpy.typing as npt

from hmnist.diagnoses import label_of
from hmnist.sources.brushes import SIZE, Canvas, cloud, lines, mesh, spots
from hmnist.sources.chance import normal, uniform

__all__ = ["paint"]

_BLOCK = 128  # images at a time: the maps of a block stay in the processor's cache

_MIMICRY = 0.08
"""Share of the lesions that look like another diagnosis: what no model can get right."""

_ABSORPTION = {
    "melanin": (0.58, 1.05, 1.40),
    "blood": (0.22, 1.05, 0.65),
    "deep": (1.20, 0.85, 0.65),
}
"""Optical density of one unit of each pigment for red, green and blue light."""

_WHITE = (228.0, 205.0, 190.0)
"""The colour of scar and scale, 0–255."""

_LOOKS: dict[str, tuple[float, ...]] = {
    #             akiec    bcc    bkl     df     nv   vasc    mel  spread  least
    "size":      ( 0.62,  0.58,  0.68,  0.55,  0.58,  0.48,  0.74,  0.13,  0.22),
    "ragged":    ( 0.11,  0.10,  0.10,  0.06,  0.06,  0.07,  0.13,  0.03,  0.00),
    "softness":  ( 0.17,  0.15,  0.10,  0.19,  0.14,  0.09,  0.12,  0.04,  0.03),
    "melanin":   ( 0.22,  0.22,  0.44,  0.30,  0.52,  0.08,  0.68,  0.15,  0.02),
    "blood":     ( 0.38,  0.32,  0.14,  0.18,  0.13,  0.95,  0.20,  0.10,  0.00),
    "deep":      ( 0.03,  0.12,  0.10,  0.02,  0.04,  0.16,  0.16,  0.07,  0.00),
    "centre":    ( 0.00,  0.05,  0.00, -0.55,  0.30,  0.10,  0.10,  0.30, -1.50),
    "lopsided":  ( 0.20,  0.22,  0.22,  0.10,  0.14,  0.15,  0.36,  0.09,  0.00),
    "blotches":  ( 0.30,  0.30,  0.30,  0.16,  0.18,  0.30,  0.36,  0.09,  0.00),
    "network":   ( 0.02,  0.01,  0.03,  0.07,  0.07,  0.00,  0.06,  0.03,  0.00),
    "spots":     ( 0.06,  0.14,  0.16,  0.06,  0.10,  0.16,  0.20,  0.08,  0.00),
    "vessels":   ( 0.18,  0.42,  0.02,  0.05,  0.00,  0.14,  0.06,  0.12,  0.00),
    "scar":      ( 0.05,  0.08,  0.04,  0.30,  0.02,  0.03,  0.06,  0.07,  0.00),
    "scale":     ( 0.22,  0.10,  0.17,  0.06,  0.03,  0.04,  0.05,  0.07,  0.00),
    "cysts":     ( 0.05,  0.08,  0.20,  0.04,  0.04,  0.05,  0.05,  0.08,  0.00),
}  # fmt: skip
"""What is typical of each diagnosis, how far lesions stray from it, and the least there can be.

Lengths in half image heights; pigments in units of `_ABSORPTION`; the rest as shares.
"""

Floats = npt.NDArray[np.float32]
Keys = npt.NDArray[np.integer]


def paint(labels: Keys, lesions: Keys, views: Keys, seed: int) -> npt.NDArray[np.uint8]:
    """Paint one image for each row.

    Parameters
    ----------
    labels : numpy.ndarray of int, shape (n,)
        Diagnoses in the Kaggle order, 0–6.
    lesions : numpy.ndarray of int, shape (n,)
        Numbers of 0 or more; rows with the same number (and label) show the same lesion.
    views : numpy.ndarray of int, shape (n,)
        0–7: which photograph of its lesion each image is.
    seed : int
        0 or more.

    Returns
    -------
    numpy.ndarray of uint8, shape (n, 28, 28, 3)
        RGB. Each image depends on its own row and the seed alone.

    Examples
    --------
    >>> pictures = paint(np.array([4, 4]), np.array([7, 7]), np.array([0, 1]), seed=0)
    >>> pictures.shape, bool((pictures[0] == pictures[1]).all())
    ((2, 28, 28, 3), False)
    """
    painted = np.empty((len(labels), SIZE, SIZE, 3), np.uint8)
    for start in range(0, len(labels), _BLOCK):
        rows = slice(start, start + _BLOCK)
        painted[rows] = _paint_block(labels[rows], lesions[rows], views[rows], seed)
    return painted


def _paint_block(labels: Keys, lesions: Keys, views: Keys, seed: int) -> npt.NDArray[np.uint8]:
    looks = _draw_looks(labels, lesions, seed)
    shots = lesions * 8 + views
    canvas = _place(lesions, shots, seed)
    melanin, blood, deep, white = _lay_pigments(looks, canvas)
    skin = _draw_skin(canvas)
    light = _draw_light(lesions, shots, seed) * (1 - _draw_hair(canvas))
    noise = _draw_noise(shots, seed)
    painted = np.empty((len(labels), SIZE, SIZE, 3), np.uint8)
    for channel in range(3):
        density = _ABSORPTION["melanin"][channel] * melanin
        density += _ABSORPTION["blood"][channel] * blood
        density += _ABSORPTION["deep"][channel] * deep
        colour = skin[channel] * np.exp(-density)
        colour += (_WHITE[channel] - colour) * white
        colour = colour * light[channel] + noise[channel]
        painted[..., channel] = np.clip(colour + 0.5, 0, 255)
    return painted


def _draw_looks(labels: Keys, lesions: Keys, seed: int) -> dict[str, Floats]:
    """Draw what each lesion looks like: an array of shape (n, 1, 1) for each row of `_LOOKS`."""
    chance = uniform(seed, "mimicry", lesions, 2)
    # Were rare diagnoses mimicked as well, most of what looks like one would be something else.
    others = np.array([label_of(code) for code in ("nv", "mel", "bkl")])
    other = others[(chance[:, 1] * len(others)).astype(np.int64)]
    seen = np.where(chance[:, 0] < _MIMICRY, other, labels)
    drawn = normal(seed, "looks", lesions, len(_LOOKS))
    looks = {}
    for column, (name, (*typical, spread, least)) in enumerate(_LOOKS.items()):
        strayed = np.array(typical, np.float32)[seen] + np.float32(spread) * drawn[:, column]
        looks[name] = np.maximum(strayed, np.float32(least))[:, None, None]
    return looks


def _place(lesions: Keys, shots: Keys, seed: int) -> Canvas:
    """Turn, zoom and shift: lay the pixels of each image on its lesion."""
    stance = uniform(seed, "stance", lesions, 1)[:, 0]
    chance = uniform(seed, "turn", shots, 2)
    view = normal(seed, "view", shots, 4)
    # A second photograph is mostly taken the same way up, sometimes from another side.
    quarter = np.where(chance[:, 0] < 0.2, np.floor(chance[:, 1] * 4), 0)
    angle = (2 * np.pi * stance + np.pi / 2 * quarter + 0.10 * view[:, 0]).astype(np.float32)
    zoom = np.exp(0.06 * view[:, 1:2])
    centre = ((np.arange(SIZE, dtype=np.float32) + 0.5) * 2 / SIZE - 1)[None]
    # The photographs of the Kaggle file are 4:3, squeezed to a square.
    x = (zoom * (centre * np.float32(4 / 3) + 0.06 * view[:, 2:3]))[:, None, :]
    y = (zoom * (centre + 0.05 * view[:, 3:4]))[:, :, None]
    cosine, sine = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    return Canvas(cosine * x + sine * y, cosine * y - sine * x, lesions, seed)


def _lay_pigments(
    looks: dict[str, Floats], canvas: Canvas
) -> tuple[Floats, Floats, Floats, Floats]:
    """Melanin, blood, deep melanin and white for each pixel, shape (n, 28, 28) each."""
    distance, inside, slope = _outline(looks, canvas)
    blotches, grain = cloud(canvas, "blotches", 4.0), cloud(canvas, "grain", 14.0)
    dark, pale = (
        spots(canvas, purpose, looks["size"], width)
        for purpose, width in (("dark", 0.13), ("pale", 0.10))
    )
    profile = 1 + looks["centre"] * (0.6 - np.minimum(distance, np.float32(1.2)))
    profile += 1.5 * looks["lopsided"] * slope + looks["blotches"] * blotches
    melanin = looks["melanin"] * np.maximum(profile, np.float32(0.08))
    melanin += looks["network"] * mesh(canvas) + 2.2 * looks["spots"] * dark
    blood = looks["blood"] * np.maximum(1 + 0.35 * grain + 0.5 * blotches, np.float32(0.1))
    blood += 1.6 * looks["vessels"] * lines(canvas, "vessels", 0.05)
    deep = looks["deep"] * np.maximum(0.8 - 1.2 * blotches + dark, np.float32(0))
    white = 1.6 * looks["scar"] * np.exp(-np.square(distance / np.float32(0.5)))
    white += looks["scale"] * np.maximum(0.4 + grain, np.float32(0)) + 2 * looks["cysts"] * pale
    return (
        inside * np.maximum(melanin, np.float32(0)),
        inside * blood,
        inside * deep,
        np.minimum(inside * white, np.float32(0.85)),
    )


def _outline(looks: dict[str, Floats], canvas: Canvas) -> tuple[Floats, Floats, Floats]:
    """Distance from the centre in radii, how far inside the border (0–1), a slope over the lesion.

    The radius is a Fourier series of the direction: waves 2–7, the higher the weaker.
    """
    stretch = np.exp(np.abs(0.12 * canvas.normal("stretch", 1)[0]))
    across, down = canvas.across / stretch, canvas.down * stretch
    distance = np.sqrt(across * across + down * down) + np.float32(1e-6)
    cosine, sine = across / distance, down / distance
    wave_cosine, wave_sine = cosine, sine
    wobble = np.zeros_like(distance)
    for order, weights in enumerate(zip(*np.split(canvas.normal("border", 12), 2), strict=True)):
        # The next wave by the sum of angles: two products are cheaper than a cosine.
        wave_cosine, wave_sine = (
            wave_cosine * cosine - wave_sine * sine,
            wave_sine * cosine + wave_cosine * sine,
        )
        strength = np.float32(1.2 / (order + 1.5))
        wobble += strength * (weights[0] * wave_cosine + weights[1] * wave_sine)
    radius = looks["size"] * np.maximum(1 + looks["ragged"] * wobble, np.float32(0.3))
    depth = (radius - distance) / looks["softness"]
    inside = 1 / (1 + np.exp(np.clip(-2 * depth, -30, 30)))
    return distance / radius, inside, cosine * np.minimum(distance / looks["size"], np.float32(1))


def _draw_skin(canvas: Canvas) -> Floats:
    """Skin, pale to tanned, yellowish to pink, mottled: 0–255, shape (3, n, 28, 28)."""
    drawn = canvas.normal("skin", 3)
    tan, shade = 0.10 * drawn[0], 0.07 * drawn[2]
    flush = np.maximum(0.12 * drawn[1], np.float32(-0.12))
    mottle = cloud(canvas, "mottle", 7.0)
    red = 212 * np.exp(shade - 0.4 * tan + 0.2 * flush) * (1 + 0.015 * mottle)
    green = 168 * np.exp(shade - tan - flush) * (1 + 0.03 * mottle)
    blue = 165 * np.exp(shade - 1.6 * tan - 0.8 * flush) * (1 + 0.03 * mottle)
    return np.stack([red, green, blue])


def _draw_light(lesions: Keys, shots: Keys, seed: int) -> Floats:
    """Expose each image: the share of light that arrives, shape (3, n, 28, 28)."""
    drawn = normal(seed, "light", shots, 4)
    gain = np.exp(0.03 * drawn[:, :1] + 0.012 * drawn[:, 1:]).T[:, :, None, None]
    tube = uniform(seed, "tube", lesions, 2).astype(np.float32)
    # In one case of six the tube of the dermatoscope leaves the corners dark.
    radius = np.where(tube[:, 0] < 1 / 6, 1.0 + 0.3 * tube[:, 1], 2.0)[:, None, None]
    edge = np.square((np.arange(SIZE, dtype=np.float32) + 0.5) * 2 / SIZE - 1)
    distance = np.sqrt(edge[None, :, None] + edge[None, None, :])
    dark = 1 / (1 + np.exp(np.minimum((radius - distance) / 0.06, 30)))
    circle = (1 - 0.05 * np.square(distance)) * (1 - 0.9 * dark)
    light: Floats = (gain * circle).astype(np.float32)
    return light


def _draw_hair(canvas: Canvas) -> Floats:
    """Dark hairs over one lesion in eight; they grow on the skin and turn with it."""
    chance, strength = canvas.uniform("hairiness", 2)[:, :, 0, 0]
    hairy = chance < 0.125
    hair = np.zeros_like(canvas.across)
    if hairy.any():
        darkness = (0.15 + 0.3 * strength[hairy])[:, None, None]
        hair[hairy] = darkness * lines(canvas.take(hairy), "hair", 0.03)
    return hair


def _draw_noise(shots: Keys, seed: int) -> Floats:
    """Grain of the photograph, shape (3, n, 28, 28): within 3 of 255, each channel by itself."""
    drawn = uniform(seed, "noise", shots, 3 * SIZE * SIZE).astype(np.float32)
    grain = (6 * drawn - 3).reshape(len(shots), 3, SIZE, SIZE)
    return np.ascontiguousarray(grain.transpose(1, 0, 2, 3))
