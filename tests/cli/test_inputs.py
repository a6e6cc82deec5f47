from collections.abc import Mapping

import pytest

from hmnist.cli.inputs import suited
from hmnist.cli.options import AUDIT_OPTIONS, RECIPE_OPTIONS
from hmnist.dataset import LesionDataset


@pytest.mark.parametrize("options", [AUDIT_OPTIONS, RECIPE_OPTIONS], ids=["audit", "others"])
def test_what_is_chosen_on_a_gpu_is_an_option_of_each_command(
    sample: LesionDataset,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: Mapping[str, object],
) -> None:
    monkeypatch.setattr("hmnist.cli.inputs.choose_device", lambda _: ("gpu", "A GPU, as asked."))
    monkeypatch.setattr("hmnist.models.precision.choose_precision", lambda *_: ("bfloat16", 4.0))
    chosen = suited({"device": "gpu", "threads": 1}, ["cnn"], sample, quiet=False)
    assert chosen.items() >= {"device": "gpu", "precision": "bfloat16"}.items()
    assert set(chosen) <= set(options)
    assert "Precision: bfloat16, since bfloat16 multiplies 4 times" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("model", "chosen"),
    [
        ("logistic", {}),
        ("xgboost", {"device": "gpu"}),
        ("lenet", {"device": "gpu", "precision": "bfloat16"}),
    ],
)
def test_what_no_model_can_use_is_not_chosen(
    sample: LesionDataset, monkeypatch: pytest.MonkeyPatch, model: str, chosen: dict[str, str]
) -> None:
    monkeypatch.setattr("hmnist.cli.inputs.choose_device", lambda _: ("gpu", "There is one."))
    monkeypatch.setattr("hmnist.models.precision.choose_precision", lambda *_: ("bfloat16", 4.0))
    assert suited({}, [model], sample, quiet=True) == {"effort": "quick", **chosen}
