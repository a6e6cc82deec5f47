"""`LesionFeatures` as a transformer: shapes, names, and the same bits every time."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from hmnist.arrays import Float32, Pixels, Shape
from hmnist.augmentation import orient
from hmnist.dataset import LesionDataset
from hmnist.errors import UsageError
from hmnist.features.lesion import LesionFeatures

pytestmark = pytest.mark.usefixtures("few_patches")


def random_images(shape: Shape, count: int = 10) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)


def weights_of(features: LesionFeatures) -> Float32:
    return features.fitted_.filters["colour"].weights


def small(**parameters: Any) -> LesionFeatures:
    return LesionFeatures(**{"n_filters": 4, "n_colours": 6, "n_jobs": 1, **parameters})


@pytest.fixture(scope="module")
def fitted(sample: LesionDataset) -> LesionFeatures:
    return small().fit(sample.images)


@pytest.mark.parametrize(
    "shape",
    [
        (28, 28, 1),
        (8, 8, 3),
        (8, 8, 1),
        (32, 32, 3),
        (75, 100, 3),
        (6, 6, 3),
        (6, 6, 1),
        (7, 13, 3),
        (40, 6, 1),
    ],
)
def test_every_shape_gives_finite_named_columns(shape: Shape) -> None:
    images = random_images(shape, count=4)
    images[0], images[1] = 0, 255
    features = small().fit(images)
    table, names = features.transform(images), features.get_feature_names_out()
    assert table.dtype == np.float32
    assert table.shape == (4, features.n_features_out) == (4, len(names))
    assert np.isfinite(table).all()
    assert len(set(names)) == len(names)
    assert all(isinstance(name, str) for name in names)
    if shape[2] == 1:
        assert not any(text in name for name in names for text in (" code ", "red", "blue"))
    for same in (images.reshape(4, -1), images.astype(np.float32)):
        assert features.transform(same).tobytes() == table.tobytes()


def test_images_of_one_colour_can_be_fitted() -> None:
    images = np.full((3, 8, 8, 3), 90, np.uint8)
    assert np.isfinite(small().fit_transform(images)).all()


def test_the_usual_columns() -> None:
    features = LesionFeatures().fit(random_images((28, 28, 3), count=3))
    assert features.n_features_out == 2765
    assert features.n_features_in_ == 2352
    starts = ("colour patch 31 ", "half patch ", "relative patch ", "relative code 47 ", "dark ")
    names = features.get_feature_names_out()
    assert all(any(name.startswith(start) for name in names) for start in starts)


def test_a_larger_image_has_the_usual_columns_and_finer_ones() -> None:
    images = random_images((28, 28, 3), count=6)
    usual, larger = small().fit(images), small().fit(images.repeat(2, axis=1).repeat(2, axis=2))
    names = larger.get_feature_names_out().tolist()
    shared = usual.get_feature_names_out().tolist()
    assert [name for name in names if "fine2" not in name] == shared
    assert len(names) - len(shared) == 4 * 20 + 3 * 33
    # Filters and codebooks are fitted to other draws; the rest is the same of the same lesion.
    table = larger.transform(images.repeat(2, axis=1).repeat(2, axis=2))
    same = [name for name in shared if " patch " not in name and " code " not in name]
    columns = [names.index(name) for name in same]
    expected = usual.transform(images)[:, [shared.index(name) for name in same]]
    np.testing.assert_allclose(table[:, columns], expected, rtol=1e-3, atol=1e-4)


def test_names_belong_to_their_columns(fitted: LesionFeatures) -> None:
    images = np.full((2, 28, 28, 3), 100, np.uint8)
    images[1, ..., 0] = 200
    table = dict(zip(fitted.get_feature_names_out(), fitted.transform(images).T, strict=True))
    assert table["red mean"].tolist() == pytest.approx([100 / 255, 200 / 255])
    assert table["green mean"].tolist() == pytest.approx([100 / 255, 100 / 255])
    assert table["red-green mean"].tolist() == pytest.approx([0, 100 / 255])


def test_the_same_seed_gives_the_same_bits(sample: LesionDataset, fitted: LesionFeatures) -> None:
    again = small().fit(sample.images)
    assert again.transform(sample.images).tobytes() == fitted.transform(sample.images).tobytes()
    other = small(random_state=1).fit(sample.images)
    assert (weights_of(other) != weights_of(fitted)).any()


def test_no_seed_draws_anew() -> None:
    images = random_images((8, 8, 3))
    first, second = (small(random_state=None).fit(images) for _ in range(2))
    assert (weights_of(first) != weights_of(second)).any()


def test_other_images_and_threads_change_no_bit(
    sample: LesionDataset, fitted: LesionFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = fitted.transform(sample.images)
    for threads in (2, 3):
        assert fitted.fitted_.transform(sample.images, threads).tobytes() == table.tobytes()
    for part in (slice(0, 1), slice(3, 10), slice(250, 263), slice(399, 400)):
        assert fitted.transform(sample.images[part]).tobytes() == table[part].tobytes()
    monkeypatch.setattr("hmnist.features.views.CHUNK_PIXELS", 784 * 17)
    assert fitted.transform(sample.images).tobytes() == table.tobytes()
    again = small(n_jobs=2).fit(sample.images)
    for name, array in again.fitted_.to_arrays().items():
        np.testing.assert_array_equal(array, fitted.fitted_.to_arrays()[name])


def test_the_number_of_threads_does_not_change_fitting(fitted: LesionFeatures) -> None:
    images = random_images((8, 8, 3), count=50)
    states = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            states.append(small().fit(images).fitted_.to_arrays())
    assert all((states[0][name] == states[1][name]).all() for name in states[0])


def test_only_the_fitted_images_count(sample: LesionDataset, fitted: LesionFeatures) -> None:
    before = fitted.fitted_.to_arrays()["colour_weights"].copy()
    fitted.transform(255 - sample.images)
    assert (fitted.fitted_.to_arrays()["colour_weights"] == before).all()
    assert (small().fit(sample.images[:200]).fitted_.filters["colour"].weights != before).any()


@pytest.mark.parametrize("way", [1, 2, 4, 7])
def test_turning_hardly_changes_a_row(
    sample: LesionDataset, fitted: LesionFeatures, way: int
) -> None:
    table = fitted.transform(sample.images)
    turned = fitted.transform(orient(sample.images, way))
    change = np.abs(turned - table).mean(axis=0) / (table.std(axis=0) + 1e-6)
    names = fitted.get_feature_names_out()
    is_invariant = np.array([" edge " not in name and " spectrum " not in name for name in names])
    assert change[is_invariant].max() < 0.02
    assert change.max() < 0.5


def test_it_works_in_a_pipeline(sample: LesionDataset) -> None:
    pipeline = make_pipeline(small(), StandardScaler(), RidgeClassifier(alpha=1e4))
    pipeline.fit(sample.X[:300], sample.y[:300])
    naevi = (sample.y[300:] == 4).mean()
    assert pipeline.score(sample.X[300:], sample.y[300:]) > naevi - 0.05
    names = pipeline[:-1].get_feature_names_out()
    assert len(names) == pipeline[0].n_features_out


def test_clones_keep_parameters_and_forget_the_rest(fitted: LesionFeatures) -> None:
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    for use in (
        lambda: copy.transform(random_images((28, 28, 3))),
        copy.get_feature_names_out,
        lambda: copy.n_features_out,
    ):
        with pytest.raises(NotFittedError):
            use()


def test_another_shape_is_refused(fitted: LesionFeatures) -> None:
    with pytest.raises(UsageError, match="not images of 28×28×3"):
        fitted.transform(random_images((8, 8, 3)))


@pytest.mark.parametrize(
    "parameters", [{"n_filters": 0}, {"patch": 1}, {"n_colours": 0}, {"ridge": 0.0}]
)
def test_unsuitable_parameters_are_refused(parameters: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(parameters))):
        small(**parameters).fit(random_images((8, 8, 3)))


@pytest.mark.parametrize(
    ("n_jobs", "variable", "threads"),
    [
        (None, "", 4),
        (1, "", 1),
        (8, "", 8),
        (-1, "", 4),
        (-2, "", 3),
        (None, "2", 2),
        (None, "16", 4),
    ],
)
def test_the_number_of_threads(
    n_jobs: int | None, variable: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []

    def start(number: int) -> ThreadPoolExecutor:
        started.append(number)
        return ThreadPoolExecutor(number)

    for module in ("hmnist.features.lesion", "hmnist.hardware"):
        monkeypatch.setattr(f"{module}.available_cores", lambda: 4)
    monkeypatch.setattr("hmnist.features.columns.ThreadPoolExecutor", start)
    monkeypatch.setenv("OMP_NUM_THREADS", variable)
    images = random_images((8, 8, 3))
    small(n_jobs=n_jobs).fit(images).transform(images)
    assert started == [threads]


def test_no_threads_are_refused() -> None:
    images = random_images((8, 8, 3))
    with pytest.raises(UsageError, match="n_jobs is 0"):
        small(n_jobs=0).fit(images).transform(images)


def test_a_large_table_lies_in_a_file(
    sample: LesionDataset, fitted: LesionFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = fitted.transform(sample.images)
    monkeypatch.setattr("hmnist.large_arrays.LARGE", 1)
    in_file = fitted.transform(sample.images)
    assert not in_file.flags.owndata
    assert in_file.tobytes() == table.tobytes()
