import dataclasses

import numpy as np
import pandas as pd
import pytest

from hmnist.checks.metadata import find_other_metadata
from hmnist.checks.subject import Found, Subject, TooFew
from hmnist.dataset import LesionDataset
from hmnist.sources.sample import load_sample
from tests.checks.painted import paint


def test_lesions_that_go_with_the_images() -> None:
    data = load_sample(rows=1000)
    assert data.lesion_ids is not None
    assert find_other_metadata(Subject(data)) is None
    order = np.arange(1000)
    rng = np.random.default_rng(0)
    for label in range(7):
        rows = np.flatnonzero(data.labels == label)
        order[rows] = rng.permutation(rows)
    shuffled = dataclasses.replace(data, lesion_ids=data.lesion_ids[order])
    found = find_other_metadata(Subject(shuffled))
    assert isinstance(found, Found)
    assert "hardly more alike" in found.sentence
    assert 0.4 < float(found.evidence["nearer"]) < 0.6


def test_few_lesions_with_several_images_say_nothing() -> None:
    data = load_sample(rows=140)
    assert data.lesion_ids is not None
    other = dataclasses.replace(data, lesion_ids=data.lesion_ids[::-1].copy())
    assert isinstance(find_other_metadata(Subject(other)), TooFew)


@pytest.mark.parametrize(("column", "kind"), [("sex", "sex"), ("localization", "site")])
def test_a_column_that_differs_within_lesions(column: str, kind: str) -> None:
    data = load_sample(rows=1000)
    assert data.metadata is not None
    assert data.lesion_ids is not None
    several = int((np.unique(data.lesion_ids, return_counts=True)[1] > 1).sum())
    rows = np.random.default_rng(0).permutation(1000)[:300]
    values = data.metadata[column].to_numpy(dtype=object)
    values[rows] = values[np.sort(rows)]
    shuffled = dataclasses.replace(data, metadata=data.metadata.assign(**{column: values}))
    found = find_other_metadata(Subject(shuffled))
    assert isinstance(found, Found)
    by_lesion = pd.Series(values).groupby(data.lesion_ids)
    assert found.evidence["lesions"] == sum(len(set(of) - {"unknown"}) > 1 for _, of in by_lesion)
    assert f"of {several} lesions with several images have more than one {kind}" in found.sentence
    unknown = dataclasses.replace(data, metadata=data.metadata.assign(**{column: "unknown"}))
    assert find_other_metadata(Subject(unknown)) is None


def with_sites(*, true: bool) -> LesionDataset:
    """Return lesions of which those on the face have redder skin, or others have, if not true."""
    rng = np.random.default_rng(0)
    data = paint(np.repeat([4, 6], 160))
    on_face = rng.random(len(data)) < 0.5
    images = data.images.astype(int)
    images[on_face, :, :, 0] += 12
    sites = np.where(on_face, "face", "back")
    metadata = pd.DataFrame({"localization": sites if true else rng.permutation(sites)})
    return dataclasses.replace(
        data,
        images=images.clip(0, 255).astype(np.uint8),
        metadata=metadata,
        lesion_ids=np.arange(len(data)).astype(str),
    )


def test_sites_that_go_with_the_images() -> None:
    assert find_other_metadata(Subject(with_sites(true=True))) is None
    shuffled = with_sites(true=False)
    found = find_other_metadata(Subject(shuffled))
    assert isinstance(found, Found)
    assert "localization" in found.sentence
    generated = dataclasses.replace(shuffled, synthetic=True)
    assert isinstance(find_other_metadata(Subject(generated)), TooFew)
