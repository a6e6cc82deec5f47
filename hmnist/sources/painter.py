"""Paints synthetic images of lesions: skin, pigment, border, network, vessels, scar, hair.

Colours, shape and texture of a lesion are drawn around the typical values of its diagnosis. Each
image shows the lesion in its own way (turn, zoom, shift, light). An image does not depend on the
others that are painted with it.

Colours follow the Beer–Lambert law: skin reflects light; melanin, blood and deep melanin (which
looks blue) each absorb their share of red, green and blue. The amounts are chosen by eye from the
rules of dermatoscopy; nothing is fitted to a data set.
"""

import numpy as np

from hmnist.arrays import Float32, Indices, Labels, Pixels
from hmnist.diagnoses import label_of
from hmnist.sources.brushes import SIZE, Canvas, cloud, lines, mesh, spots
from hmnist.sources.random_numbers import normal, uniform

_BLOCK = 128  # images at a time; their arrays fit into the processor's cache
_MIMICRY = 0.08  # of the lesions look like another diagnosis, which no model can recognise
_WHITE = (228.0, 205.0, 190.0)  # the colour of scar and scale, 0–255

_MELANIN, _BLOOD, _DEEP = (0.58, 1.05, 1.40), (0.22, 1.05, 0.65), (1.20, 0.85, 0.65)
"""Optical density of one unit of each pigment for red, green and blue light."""

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
"""The typical value for each diagnosis, its standard deviation, and the least value.

Lengths are in half image heights, pigments in units of their density, the others are shares.
"""


def paint(labels: Labels, lesions: Indices, image_numbers: Indices, seed: int) -> Pixels:
    """Paint one RGB image for each row: uint8, shape (n, 28, 28, 3).

    Each image depends only on its own row and the seed (0 or more). The rows name the diagnosis,
    the number of the lesion (0 or more), and which image of its lesion it is (0–7): shape (n,)
    each. Rows with the same lesion and label show the same lesion.

    Examples
    --------
    >>> images = paint(np.array([4, 4]), np.array([7, 7]), np.array([0, 1]), seed=0)
    >>> images.shape, bool((images[0] == images[1]).all())
    ((2, 28, 28, 3), False)
    """
    images = np.empty((len(labels), SIZE, SIZE, 3), np.uint8)
    for start in range(0, len(labels), _BLOCK):
        rows = slice(start, start + _BLOCK)
        image_keys = lesions[rows] * 8 + image_numbers[rows]
        images[rows] = _paint_block(labels[rows], lesions[rows], image_keys, seed)
    return images


def _paint_block(labels: Labels, lesions: Indices, image_keys: Indices, seed: int) -> Pixels:
    looks = _draw_looks(labels, lesions, seed)
    canvas = _draw_canvas(lesions, image_keys, seed)
    melanin, blood, deep, white = _draw_pigments(looks, canvas)
    skin = _draw_skin(canvas)
    light = _draw_light(lesions, image_keys, seed) * (1 - _draw_hair(canvas))
    noise = _draw_noise(image_keys, seed)
    painted = np.empty((len(labels), SIZE, SIZE, 3), np.uint8)
    for channel in range(3):
        density = _MELANIN[channel] * melanin + _BLOOD[channel] * blood + _DEEP[channel] * deep
        colour = skin[channel] * np.exp(-density)
        colour += (_WHITE[channel] - colour) * white
        colour = colour * light[channel] + noise[channel]
        painted[..., channel] = np.clip(colour + 0.5, 0, 255)
    return painted


def _draw_looks(labels: Labels, lesions: Indices, seed: int) -> dict[str, Float32]:
    """Draw the looks of each lesion: an array of shape (n, 1, 1) for each row of `_LOOKS`."""
    share, choice = uniform(seed, "mimicry", lesions, 2).T
    # Only common diagnoses are mimicked: otherwise most lesions that look rare would not be.
    common = np.array([label_of(code) for code in ("nv", "mel", "bkl")])
    mimicked = common[(choice * len(common)).astype(np.int64)]
    apparent = np.where(share < _MIMICRY, mimicked, labels)
    drawn = normal(seed, "looks", lesions, len(_LOOKS))
    looks = {}
    for column, (name, (*typical, spread, least)) in enumerate(_LOOKS.items()):
        values = np.array(typical, np.float32)[apparent] + np.float32(spread) * drawn[:, column]
        looks[name] = np.maximum(values, np.float32(least))[:, None, None]
    return looks


def _draw_canvas(lesions: Indices, image_keys: Indices, seed: int) -> Canvas:
    """Turn, zoom and shift: give the pixels of each image their position on the lesion."""
    stance = uniform(seed, "stance", lesions, 1)[:, 0]
    share, choice = uniform(seed, "turn", image_keys, 2).T
    view = normal(seed, "view", image_keys, 4)
    # A second photograph is mostly taken the same way up, sometimes from another side.
    quarter = np.where(share < 0.2, np.floor(choice * 4), 0)
    angle = (2 * np.pi * stance + np.pi / 2 * quarter + 0.10 * view[:, 0]).astype(np.float32)
    zoom = np.exp(0.06 * view[:, 1:2])
    centre = ((np.arange(SIZE, dtype=np.float32) + 0.5) * 2 / SIZE - 1)[None]
    # The photographs of the Kaggle file are 4:3, squeezed to a square.
    x = (zoom * (centre * np.float32(4 / 3) + 0.06 * view[:, 2:3]))[:, None, :]
    y = (zoom * (centre + 0.05 * view[:, 3:4]))[:, :, None]
    cosine, sine = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    return Canvas(cosine * x + sine * y, cosine * y - sine * x, lesions, seed)


def _draw_pigments(looks: dict[str, Float32], canvas: Canvas) -> tuple[Float32, ...]:
    """Melanin, blood, deep melanin and white for each pixel, shape (n, 28, 28) each."""
    distance, inside, slope = _draw_outline(looks, canvas)
    blotches, grain = cloud(canvas, "blotches", 4.0), cloud(canvas, "grain", 14.0)
    dark = spots(canvas, "dark", looks["size"], 0.13)
    pale = spots(canvas, "pale", looks["size"], 0.10)
    profile = 1 + looks["centre"] * (0.6 - np.minimum(distance, np.float32(1.2)))
    profile += 1.5 * looks["lopsided"] * slope + looks["blotches"] * blotches
    melanin = looks["melanin"] * np.maximum(profile, np.float32(0.08))
    melanin += looks["network"] * mesh(canvas) + 2.2 * looks["spots"] * dark
    blood = looks["blood"] * np.maximum(1 + 0.35 * grain + 0.5 * blotches, np.float32(0.1))
    blood += 1.6 * looks["vessels"] * lines(canvas, "vessels", 0.05)
    deep = looks["deep"] * np.maximum(0.8 - 1.2 * blotches + dark, np.float32(0))
    white = 1.6 * looks["scar"] * np.exp(-np.square(distance / np.float32(0.5)))
    white += looks["scale"] * np.maximum(0.4 + grain, np.float32(0)) + 2 * looks["cysts"] * pale
    melanin = inside * np.maximum(melanin, np.float32(0))
    return melanin, inside * blood, inside * deep, np.minimum(inside * white, np.float32(0.85))


def _draw_outline(looks: dict[str, Float32], canvas: Canvas) -> tuple[Float32, Float32, Float32]:
    """Distance from the centre in radii, how far inside the border (0–1), a slope over the lesion.

    The radius is a Fourier series of the direction: waves 2–7, the higher the weaker.
    """
    stretch = np.exp(np.abs(0.12 * canvas.normal("stretch", 1)[0]))
    across, down = canvas.across / stretch, canvas.down * stretch
    distance = np.sqrt(across * across + down * down) + np.float32(1e-6)
    cosine, sine = across / distance, down / distance
    wave_x, wave_y = cosine, sine
    wobble = np.zeros_like(distance)
    for order, weights in enumerate(zip(*np.split(canvas.normal("border", 12), 2), strict=True)):
        # The next wave from the sum of angles: two products are faster than a cosine.
        wave_x, wave_y = wave_x * cosine - wave_y * sine, wave_y * cosine + wave_x * sine
        strength = np.float32(1.2 / (order + 1.5))
        wobble += strength * (weights[0] * wave_x + weights[1] * wave_y)
    radius = looks["size"] * np.maximum(1 + looks["ragged"] * wobble, np.float32(0.3))
    depth = (radius - distance) / looks["softness"]
    inside = 1 / (1 + np.exp(np.clip(-2 * depth, -30, 30)))
    return distance / radius, inside, cosine * np.minimum(distance / looks["size"], np.float32(1))


def _draw_skin(canvas: Canvas) -> Float32:
    """Skin, pale to tanned, yellowish to pink, mottled: 0–255, shape (3, n, 28, 28)."""
    drawn = canvas.normal("skin", 3)
    tan, shade = 0.10 * drawn[0], 0.07 * drawn[2]
    flush = np.maximum(0.12 * drawn[1], np.float32(-0.12))
    mottle = cloud(canvas, "mottle", 7.0)
    red = 212 * np.exp(shade - 0.4 * tan + 0.2 * flush) * (1 + 0.015 * mottle)
    green = 168 * np.exp(shade - tan - flush) * (1 + 0.03 * mottle)
    blue = 165 * np.exp(shade - 1.6 * tan - 0.8 * flush) * (1 + 0.03 * mottle)
    return np.stack([red, green, blue])


def _draw_light(lesions: Indices, image_keys: Indices, seed: int) -> Float32:
    """Exposure: the share of light that arrives, shape (3, n, 28, 28)."""
    drawn = normal(seed, "light", image_keys, 4)
    gain = np.exp(0.03 * drawn[:, :1] + 0.012 * drawn[:, 1:]).T[:, :, None, None]
    tube = uniform(seed, "tube", lesions, 2).astype(np.float32)
    # In one of six images the tube of the dermatoscope makes the corners dark.
    radius = np.where(tube[:, 0] < 1 / 6, 1.0 + 0.3 * tube[:, 1], 2.0)[:, None, None]
    edge = np.square((np.arange(SIZE, dtype=np.float32) + 0.5) * 2 / SIZE - 1)
    distance = np.sqrt(edge[None, :, None] + edge[None, None, :])
    dark = 1 / (1 + np.exp(np.minimum((radius - distance) / 0.06, 30)))
    circle = (1 - 0.05 * np.square(distance)) * (1 - 0.9 * dark)
    return np.asarray(gain * circle, dtype=np.float32)


def _draw_hair(canvas: Canvas) -> Float32:
    """Dark hairs over one of eight lesions, in the same position in all its images."""
    share, strength = canvas.uniform("hairiness", 2)[:, :, 0, 0]
    hairy = share < 0.125
    hair = np.zeros_like(canvas.across)
    if hairy.any():
        across, down, lesions = (v[hairy] for v in (canvas.across, canvas.down, canvas.lesions))
        darkness = (0.15 + 0.3 * strength[hairy])[:, None, None]
        hair[hairy] = darkness * lines(Canvas(across, down, lesions, canvas.seed), "hair", 0.03)
    return hair


def _draw_noise(image_keys: Indices, seed: int) -> Float32:
    """Noise of the photograph, shape (3, n, 28, 28): within 3 of 255, separate in each channel."""
    drawn = uniform(seed, "noise", image_keys, 3 * SIZE * SIZE).astype(np.float32)
    grain = (6 * drawn - 3).reshape(len(image_keys), 3, SIZE, SIZE)
    return np.ascontiguousarray(grain.transpose(1, 0, 2, 3))
