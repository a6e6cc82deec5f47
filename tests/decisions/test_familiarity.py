"""Images unlike the training data are found, and those like them left alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hmnist.augmentation import ORIENTATIONS, orient
from hmnist.dataset import LesionDataset
from hmnist.decisions.familiarity import (
    ARRAYS,
    CLIP,
    COMPONENTS,
    LEAST_VALIDATION,
    MOST_IMAGES,
    Familiarity,
    fit_familiarity,
)
from hmnist.errors import TrustError, UsageError
from hmnist.features.unfitted import describe_unfitted
from hmnist.guarded import read_arrays, write_arrays
from hmnist.sources.images import read_photograph
from hmnist.sources.sample import load_sample
from hmnist.splits.split import Split, split


@pytest.fixture(scope="module")
def parts() -> Split:
    return split(load_sample(rows=1000, seed=5), seed=0)


@pytest.fixture(scope="module")
def familiarity(parts: Split) -> Familiarity:
    fitted = fit_familiarity(parts.train.images, parts.validation.images)
    assert fitted is not None
    return fitted


def test_few_images_like_the_training_data_are_unfamiliar(
    familiarity: Familiarity, parts: Split
) -> None:
    assert familiarity.false_alarms == pytest.approx(0.01, abs=0.001)
    assert familiarity.is_unfamiliar(parts.validation.images).mean() <= familiarity.false_alarms
    assert familiarity.is_unfamiliar(parts.test.images).mean() < 0.04


def test_turned_images_are_as_familiar(familiarity: Familiarity, parts: Split) -> None:
    images = parts.test.images
    upright = familiarity.measure_distances(images)
    for way in range(1, ORIENTATIONS):
        turned = familiarity.measure_distances(orient(images, way))
        np.testing.assert_allclose(turned, upright, rtol=0.1)
        assert familiarity.is_unfamiliar(orient(images, way)).mean() < 0.04


def test_what_shows_no_lesion_is_unfamiliar(
    familiarity: Familiarity, parts: Split, rng: np.random.Generator
) -> None:
    images = parts.test.images
    shape = (20, *images.shape[1:])
    strange = {
        "noise": rng.integers(0, 256, shape, dtype=np.uint8),
        "black": np.zeros(shape, np.uint8),
        "white": np.full(shape, 255, np.uint8),
        "inverted": 255 - images,
        "grey": np.repeat(images.mean(axis=3, keepdims=True).astype(np.uint8), 3, axis=3),
        "shuffled": rng.permuted(images.reshape(len(images), -1, 3), axis=1).reshape(images.shape),
    }
    for name, pixels in strange.items():
        assert familiarity.is_unfamiliar(pixels).mean() > 0.9, name


def test_photographs_of_other_things_are_unfamiliar(familiarity: Familiarity) -> None:
    import sklearn.datasets

    folder = Path(sklearn.datasets.__file__).parent / "images"
    photographs = [
        read_photograph(folder / name, (28, 28, 3)) for name in ("china.jpg", "flower.jpg")
    ]
    assert familiarity.is_unfamiliar(np.stack(photographs)).all()


def test_the_distance_is_that_of_mahalanobis(familiarity: Familiarity, parts: Split) -> None:
    images = parts.test.images[:30]
    components = familiarity.components.astype(np.float64)
    across = np.eye(len(components)) - components @ components.T
    covariance = (components * familiarity.variances) @ components.T + familiarity.noise * across
    rows = (describe_unfitted(images, 1) - familiarity.centre) / familiarity.scale
    rows = rows.clip(-CLIP, CLIP)
    expected = np.sqrt(np.einsum("ij,jk,ik->i", rows, np.linalg.inv(covariance), rows))
    np.testing.assert_allclose(familiarity.measure_distances(images), expected, rtol=1e-3)


def test_the_components_are_those_of_the_training_images(
    familiarity: Familiarity, parts: Split
) -> None:
    from sklearn.decomposition import PCA

    rows = (describe_unfitted(parts.train.images, 1) - familiarity.centre) / familiarity.scale
    pca = PCA(COMPONENTS, svd_solver="full").fit(rows.clip(-CLIP, CLIP))
    np.testing.assert_allclose(familiarity.variances[::-1], pca.explained_variance_, rtol=1e-3)
    assert familiarity.noise == pytest.approx(pca.noise_variance_, rel=1e-3)


@pytest.mark.parametrize(
    ("count", "above", "rate"), [(19, 0, 1 / 20), (99, 0, 0.01), (299, 2, 0.01)]
)
def test_the_threshold_is_a_rank_of_validation(
    count: int, above: int, rate: float, parts: Split
) -> None:
    validation = parts.train.images[-count:]
    fitted = fit_familiarity(parts.train.images[:100], validation)
    assert fitted is not None
    assert fitted.is_unfamiliar(validation).sum() == above
    assert fitted.false_alarms == pytest.approx(rate)


def test_some_images_of_large_parts_are_used(rng: np.random.Generator) -> None:
    images = rng.integers(0, 256, (2 * MOST_IMAGES - 1, 6, 6, 1), dtype=np.uint8)
    every, some = (fit_familiarity(part, images[:50]) for part in (images, images[::2]))
    assert every is not None
    assert some is not None
    np.testing.assert_array_equal(every.centre, some.centre)


def test_too_few_or_too_small_images_teach_nothing(rng: np.random.Generator) -> None:
    images = rng.integers(0, 256, (60, 6, 6, 3), dtype=np.uint8)
    assert fit_familiarity(images, images[:LEAST_VALIDATION]) is not None
    assert fit_familiarity(images, images[: LEAST_VALIDATION - 1]) is None
    assert fit_familiarity(images[:, :5], images[:, :5]) is None


@pytest.mark.parametrize("shape", [(8, 8, 3), (28, 28, 1), (60, 80, 3)])
def test_images_of_other_shapes(shape: tuple[int, int, int], rng: np.random.Generator) -> None:
    images = rng.integers(100, 140, (60, *shape), dtype=np.uint8)
    fitted = fit_familiarity(images[:40], images[40:])
    assert fitted is not None
    assert fitted.is_unfamiliar(np.zeros((1, *shape), np.uint8)).all()
    rows = images.reshape(len(images), -1)
    np.testing.assert_array_equal(fitted.is_unfamiliar(rows), fitted.is_unfamiliar(images))
    with pytest.raises(UsageError, match="not images of"):
        fitted.is_unfamiliar(images[:, :-1])


def test_images_that_are_all_the_same(sample: LesionDataset) -> None:
    same = np.repeat(sample.images[:1], 40, axis=0)
    fitted = fit_familiarity(same, same)
    assert fitted is not None
    assert not fitted.is_unfamiliar(same).any()
    assert fitted.is_unfamiliar(sample.images[1:9]).all()


def test_a_round_trip_through_a_file_keeps_every_bit(
    familiarity: Familiarity, parts: Split, tmp_path: Path
) -> None:
    path = tmp_path / "familiarity.npz"
    write_arrays(path, familiarity.to_arrays())
    assert path.stat().st_size < 200_000
    again = Familiarity.from_arrays(read_arrays(path, ARRAYS))
    images = parts.test.images
    np.testing.assert_array_equal(
        again.measure_distances(images), familiarity.measure_distances(images)
    )
    assert again.threshold == familiarity.threshold


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("centre", np.zeros(3, np.float32)),
        ("image_shape", np.array([2, 2, 3])),
        ("components", np.zeros((461, 3), np.float32)),
        ("variances", np.zeros(COMPONENTS, np.float32)),
        ("noise", np.array(0.0)),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(
    familiarity: Familiarity, name: str, array: np.ndarray
) -> None:
    with pytest.raises(ValueError, match=r"belong|above 0"):
        Familiarity.from_arrays({**familiarity.to_arrays(), name: array})


def test_other_columns_are_refused_before_they_are_compared(familiarity: Familiarity) -> None:
    columns = {name: getattr(familiarity, name)[:9] for name in ("centre", "scale", "components")}
    other = replace(familiarity, **columns)
    with pytest.raises(TrustError, match="9 columns"):
        other.measure_distances(np.zeros((1, *familiarity.image_shape), np.uint8))
