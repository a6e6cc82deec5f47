"""The sheet of pictures holds the right images."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hmnist.arrays import Pixels
from hmnist.dataset import LesionDataset
from hmnist.results.benchmark_folder import open_benchmark
from hmnist.results.page import gallery
from hmnist.results.page.gallery import choose_mistakes, describe_gallery
from hmnist.results.page.pooled import PooledPredictions, pool_predictions


@pytest.fixture(scope="module")
def pooled(folder: Path) -> dict[str, list[PooledPredictions]]:
    runs = open_benchmark(folder).runs
    return {str(number): pool_predictions(of_row) for number, of_row in enumerate(runs)}


def pictures(described: dict[str, Any]) -> list[Pixels]:
    content = base64.b64decode(described["sheet"].partition(",")[2])
    sheet = np.asarray(Image.open(io.BytesIO(content)))
    height, width, columns = described["height"], described["width"], described["columns"]
    places = (divmod(number, columns) for number in range(len(described["images"])))
    return [
        sheet[row * height : (row + 1) * height, column * width : (column + 1) * width]
        for row, column in places
    ]


def test_all_mistakes_are_shown_and_nothing_else(
    pooled: dict[str, list[PooledPredictions]], named: LesionDataset
) -> None:
    described = describe_gallery(pooled, named)
    models = [each for trainings in list(pooled.values())[:2] for each in trainings]
    wrong = np.any([each.predicted != each.labels for each in models], axis=0)
    assert described["images"] == np.flatnonzero(wrong).tolist()
    rows = models[0].rows[described["images"]]
    for picture, image in zip(pictures(described), named.images[rows], strict=True):
        assert np.array_equal(picture, image)
    assert named.image_ids is not None
    assert described["ids"] == named.image_ids[rows].tolist()
    assert all(words.startswith("age ") for words in described["patients"] if "age" in words)


def test_the_most_confident_mistakes_of_each_kind_come_first(
    pooled: dict[str, list[PooledPredictions]], monkeypatch: pytest.MonkeyPatch
) -> None:
    [each, *_] = pooled["0"]
    kinds = {
        (int(label), int(other))
        for label, other in zip(each.labels, each.predicted, strict=True)
        if label != other
    }
    monkeypatch.setattr(gallery, "MOST_PICTURES", len(kinds))
    chosen = choose_mistakes([each])
    confidence = each.confidence()
    for label, other in kinds:
        of_kind = np.flatnonzero((each.labels == label) & (each.predicted == other))
        assert of_kind[confidence[of_kind].argmax()] in chosen
    assert len(chosen) == len(kinds)


def test_large_and_grey_images_become_small(
    pooled: dict[str, list[PooledPredictions]], named: LesionDataset
) -> None:
    shape = (len(named), 75, 100, 1)
    grey = np.broadcast_to(named.images[:, :1, :1, :1], shape).copy()
    described = describe_gallery(pooled, LesionDataset(grey, named.labels))
    assert (described["height"], described["width"]) == (24, 32)
    rows = pooled["0"][0].rows[described["images"]]
    for picture, image in zip(pictures(described), grey[rows], strict=True):
        assert np.unique(picture).tolist() == np.unique(image).tolist()
    assert described["ids"][0] == f"row {rows[0]}"
    assert set(described["patients"]) == {""}
