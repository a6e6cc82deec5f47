"""Networks in a LiteRT file: the same predictions, and nothing that has to be there."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

from hmnist.models.litert import LITERT_FILE, SIGNATURE_FILE, LiteNetworks, find_litert
from tests.models.test_network_model import IMAGES, LABELS, TinyNetwork, TwoViews


@pytest.fixture(scope="module")
def model() -> TinyNetwork:
    return TwoViews(random_state=0, epochs=1, networks=2, logit_adjustment=0.5).fit(IMAGES, LABELS)


def test_litert_predicts_as_tensorflow_does(
    model: TinyNetwork, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model.save_state(tmp_path)
    path = find_litert(tmp_path)
    assert path == tmp_path / LITERT_FILE
    networks = LiteNetworks(path)
    assert networks.input_shape == model.input_shape_ == (8, 2, 3)
    inputs = model.inputs_.transform(IMAGES)
    logits = networks(inputs)  # several batches, the last one short
    assert capfd.readouterr().err == ""
    assert logits.dtype == np.float32
    assert len(logits) == 70
    np.testing.assert_allclose(logits, model.compiled_(inputs), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(networks(inputs[:1]), logits[:1], rtol=1e-6, atol=1e-6)


def test_a_file_that_is_none_of_ours_is_a_value_error(tmp_path: Path) -> None:
    path = tmp_path / LITERT_FILE
    path.write_bytes(b"no network")
    with pytest.raises(ValueError, match="valid Flatbuffer"):
        LiteNetworks(path)


def test_neither_file_nor_library_has_to_be_there(
    model: TinyNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_litert(tmp_path) is None
    model.save_state(tmp_path)
    assert find_litert(tmp_path) is not None
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert find_litert(tmp_path) is None


def test_a_large_network_has_no_file(
    model: TinyNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hmnist.models.network_model.LARGEST", model.parameter_count - 1)
    model.save_state(tmp_path)
    assert find_litert(tmp_path) is None
    again = TwoViews(networks=2, logit_adjustment=0.5)
    again.load_state(tmp_path)
    np.testing.assert_array_equal(again.predict_proba(IMAGES), model.predict_proba(IMAGES))


@pytest.mark.parametrize("name", [LITERT_FILE, SIGNATURE_FILE])
def test_a_file_of_somebody_else_is_not_run(
    model: TinyNetwork, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.save_state(tmp_path)
    shutil.copytree(tmp_path, tmp_path / "below")
    assert find_litert(tmp_path) is not None
    (tmp_path / "below" / name).write_bytes(b"another file")
    assert find_litert(tmp_path) is None
    (tmp_path / "below" / LITERT_FILE).unlink()
    assert find_litert(tmp_path) is not None
    monkeypatch.setenv("HMNIST_CACHE", str(tmp_path / "another user's"))
    assert find_litert(tmp_path) is None
