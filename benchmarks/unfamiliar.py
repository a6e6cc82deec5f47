"""Which images are called unfamiliar: ``python benchmarks/unfamiliar.py FILE``.

What training images look like does not depend on the model, so none is trained. For each fold by
lesion, it is learnt from the training part, the threshold is set on the validation part, and the
test images are measured: as they are, changed, and in comparison with images of other things.
Prints Markdown.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import hmnist
from hmnist.arrays import Pixels, Shape
from hmnist.decisions.familiarity import Familiarity, fit_familiarity
from hmnist.results.formatting import markdown_table
from hmnist.sources.images import read_photograph

COUNT = 200
"""Images of each kind that are made, where there is no test image for each."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="a pixel file in colour, or the word sample")
    parser.add_argument("--metadata")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    data = hmnist.load(arguments.file, metadata=arguments.metadata)
    shares: dict[str, list[float]] = {}
    seconds = []
    for split in hmnist.split_folds(data, arguments.folds, seed=arguments.seed):
        start = time.process_time()
        familiarity = fit_familiarity(split.train.images, split.validation.images)
        seconds.append(time.process_time() - start)
        if familiarity is None:
            raise SystemExit("There are too few validation images.")
        for name, share in _measure(familiarity, split.test).items():
            shares.setdefault(name, []).append(share)
    print(
        f"{data.name}, {len(data):,} images, {arguments.folds} folds; {min(seconds):.2f}–"
        f"{max(seconds):.2f} s of a core to fit\n"
    )
    rows = [[name, _percent(values), _range(values)] for name, values in shares.items()]
    print(markdown_table(["images", "unfamiliar, %", "folds"], rows))


def _measure(familiarity: Familiarity, test: hmnist.LesionDataset) -> dict[str, float]:
    """Return the share of unfamiliar images of each kind."""
    flags = familiarity.is_unfamiliar(test.images)
    diagnoses = {
        f"test: {code}": float(flags[test.labels == label].mean())
        for label, code in enumerate(hmnist.CODES)
        if (test.labels == label).any()
    }
    others = {**_changed(test.images), **_other_things(test.image_shape)}
    return {
        "test": float(flags.mean()),
        **diagnoses,
        **{
            name: float(familiarity.is_unfamiliar(images).mean()) for name, images in others.items()
        },
    }


def _changed(images: Pixels) -> dict[str, Pixels]:
    """Return test images, changed in several ways."""
    rng = np.random.default_rng(0)
    pixels = images.reshape(len(images), -1, images.shape[3])
    grey = images.mean(axis=3, keepdims=True).round().astype(np.uint8)
    return {
        "rotated by 90°": np.rot90(images, axes=(1, 2)),
        "mirrored": images[:, :, ::-1],
        "brighter by 15 %": (images * 1.15).clip(0, 255).astype(np.uint8),
        "darker by 15 %": (images * 0.85).astype(np.uint8),
        "half as bright": images // 2,
        "red and blue exchanged": images[..., ::-1],
        "inverted": 255 - images,
        "grey": np.repeat(grey, images.shape[3], axis=3),
        "pixels shuffled": rng.permuted(pixels, axis=1).reshape(images.shape),
    }


def _other_things(shape: Shape) -> dict[str, Pixels]:
    """Return images that show no lesion."""
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (COUNT, 1, 1, shape[2]), dtype=np.uint8)
    noise = rng.normal(rng.uniform(60, 200, (COUNT, 1, 1, 1)), 30, (COUNT, *shape))
    return {
        "flower": np.stack(list(_crops("flower.jpg", shape, rng))),
        "temple": np.stack(list(_crops("china.jpg", shape, rng))),
        "text": np.stack([_text(shape, rng) for _ in range(COUNT)]),
        "one colour": np.broadcast_to(colours, (COUNT, *shape)),
        "uniform noise": rng.integers(0, 256, (COUNT, *shape), dtype=np.uint8),
        "normal noise": noise.clip(0, 255).astype(np.uint8),
    }


def _crops(name: str, shape: Shape, rng: np.random.Generator) -> Iterator[Pixels]:
    """Yield scikit-learn's photograph, whole and squares of it, in the size of the images."""
    import sklearn.datasets

    path = Path(sklearn.datasets.__file__).parent / "images" / name
    yield read_photograph(path, shape)
    photograph = Image.open(path)
    for _ in range(COUNT):
        side = int(rng.integers(60, photograph.height))
        left = int(rng.integers(photograph.width - side))
        top = int(rng.integers(photograph.height - side))
        yield _squeeze(photograph.crop((left, top, left + side, top + side)), shape)


def _text(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Return a page of random letters, dark on light or light on dark."""
    ink, paper = rng.permuted([rng.integers(60), 255 - rng.integers(60)]).tolist()
    page = Image.new("RGB", (600, 450), (paper,) * 3)
    draw, size = ImageDraw.Draw(page), int(rng.integers(14, 60))
    for top in range(10, 440, size + size // 3):
        line = "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz     "), 60))
        draw.text((10, top), line, fill=(ink,) * 3, font=ImageFont.load_default(size))
    return _squeeze(page, shape)


def _squeeze(picture: Image.Image, shape: Shape) -> Pixels:
    resized = picture.resize((shape[1], shape[0]), Image.Resampling.LANCZOS)
    return np.asarray(resized, dtype=np.uint8)


def _percent(shares: list[float]) -> str:
    return f"{100 * np.mean(shares):.1f}"


def _range(shares: list[float]) -> str:
    return f"{100 * min(shares):.1f}–{100 * max(shares):.1f}"


if __name__ == "__main__":
    main()
