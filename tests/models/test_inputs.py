"""The features that tabular models read: plain pixels, or features of a lesion."""

from pathlib import Path

import numpy as np
import pytest

from hmnist.arrays import Array
from hmnist.errors import TrustError, UsageError
from hmnist.features.lesion import LesionFeatures
from hmnist.models.inputs import FeatureExtractor, StandardisedFeatures
from hmnist.models.registry import FEATURES

IMAGES = np.random.default_rng(4).integers(0, 256, (30, 8, 8, 3), dtype=np.uint8)


def test_pixels_are_unchanged() -> None:
    pixels = FeatureExtractor("pixels").fit_transform(IMAGES, 0)
    assert pixels.dtype == np.float32
    np.testing.assert_array_equal(pixels, IMAGES.reshape(30, -1))


def test_features_are_those_of_the_transformer() -> None:
    extractor = FeatureExtractor("lesion")
    features = extractor.fit_transform(IMAGES, 5)
    expected = LesionFeatures(random_state=5).fit(IMAGES)
    np.testing.assert_array_equal(features, expected.transform(IMAGES))
    np.testing.assert_array_equal(extractor.transform(IMAGES[:3]), expected.transform(IMAGES[:3]))


def test_features_are_reported_while_they_are_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmnist.features.columns.chunk_size", lambda *_: 10)
    steps: list[float] = []
    FeatureExtractor("lesion").fit_transform(
        IMAGES, 5, lambda done, total: steps.append(done / total)
    )
    assert steps == sorted(steps)
    assert len(steps) > 5
    assert steps[-4:] == pytest.approx([0.5, 2 / 3, 5 / 6, 1])


@pytest.mark.parametrize("name", FEATURES)
def test_an_extractor_comes_back_from_its_folder(name: str, tmp_path: Path) -> None:
    extractor = FeatureExtractor(name)
    features, names = extractor.fit_transform(IMAGES, 1), extractor.feature_names(192)
    assert len(names) == len(set(names)) == features.shape[1]
    extractor.save(tmp_path)
    assert len(list(tmp_path.iterdir())) == (name == "lesion")
    again = FeatureExtractor(name)
    assert again.load(tmp_path, (8, 8, 3)) == (len(names),)
    np.testing.assert_array_equal(again.transform(IMAGES), features)
    assert again.feature_names(192) == names


def test_names_of_pixels_are_in_order() -> None:
    names = FeatureExtractor("pixels").feature_names(2352)
    assert names == sorted(names)


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "features.npz", shape=np.arange(3))
    with pytest.raises(TrustError, match=r"features\.npz is damaged: it has the arrays shape"):
        FeatureExtractor("lesion").load(tmp_path, (8, 8, 3))


@pytest.fixture(scope="module")
def lesion_arrays() -> dict[str, Array]:
    """Return what is saved of a fitted extractor; tests do not change it."""
    extractor = FeatureExtractor("lesion")
    extractor.fit_transform(IMAGES, 1)
    return extractor.lesion_.to_arrays()


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("image_shape", np.array([8, 9])),
        ("image_shape", np.array([8, 9, 3])),
        ("image_shape", np.array([8.0, 8.0, 3.0])),
        ("colour_weights", np.zeros((256, 47), np.float32)),
        ("colour_weights", np.zeros((0, 48), np.float32)),
        ("colour_offset", np.zeros(23, np.float32)),
        ("colour_entries", np.full((48, 3), np.nan, np.float32)),
        ("relative_mean", np.array(["a", "b", "c"])),
        ("relative_whiten", None),
        ("relative_whiten", np.zeros((3, 3))),
    ],
)
def test_damaged_features_are_refused(
    name: str, array: Array | None, lesion_arrays: dict[str, Array], tmp_path: Path
) -> None:
    arrays = {**lesion_arrays, name: array}
    found = {name: array for name, array in arrays.items() if array is not None}
    np.savez(tmp_path / "features.npz", allow_pickle=True, **found)
    with pytest.raises((TrustError, ValueError), match="features"):
        FeatureExtractor("lesion").load(tmp_path, (8, 8, 3))


@pytest.mark.parametrize("scale", [0.0, -1.0, 1e-30])
def test_a_scale_has_to_divide(scale: float, tmp_path: Path) -> None:
    inputs = StandardisedFeatures("pixels")
    inputs.fit_transform(IMAGES, 1)
    inputs.scale[5] = scale
    inputs.save(tmp_path)
    with pytest.raises(ValueError, match="scale"):
        StandardisedFeatures("pixels").load(tmp_path, (8, 8, 3))


def test_unknown_features_are_refused() -> None:
    with pytest.raises(UsageError, match="no features called 'dreams'") as caught:
        FeatureExtractor("dreams")
    assert "lesion" in caught.value.hint
