import json
import re
from typing import Any

import pytest

from hmnist.errors import UsageError
from hmnist.results.audit_table import FORMATS, SCHEMA, Audit
from hmnist.scores.scoring import SCORE_NAMES


def row(system: str, **changes: Any) -> dict[str, Any]:
    """Return a row with scores of .75 and .5, and a spread where there are several seeds."""
    std = 0.012 if changes.get("seeds", 1) > 1 else None
    scores = {
        side: {
            name: {"mean": mean, "std": std, "low": mean - 0.1, "high": mean + 0.1}
            for name in SCORE_NAMES
        }
        for side, mean in (("reproduced", 0.75), ("honest", 0.5))
    }
    return {
        "system": system,
        "model": system,
        "claimed": None,
        "published": "",
        "claim_note": "",
        "epochs": 20,
        "own_epochs": 20,
        "own_size": None,
        "seeds": 1,
        "weights": None,
        **scores,
        "difference": dict.fromkeys(SCORE_NAMES, -0.25),
        "protocol": {"balanced": False},
        "reason": "All 10 test images validate as well (HM103).",
        **changes,
    }


def made(*rows: dict[str, Any], promises: tuple[dict[str, Any], ...] = ()) -> Audit:
    return Audit(
        {"name": "pixels.csv", "rows": 1234, "lesions": 1000, "synthetic": False,
         "image_shape": [28, 28, 3]},
        {"kind": "lesion", "seed": 0, "sizes": {"train": 7, "validation": 1, "test": 2},
         "proof": "No lesion stands in two parts."},
        {"threads": 2, "device": "CPU", "versions": {}},
        rows,
        promises,
    )  # fmt: skip


def drawn(audit: Audit) -> str:
    from rich.console import Console

    console = Console(width=100, no_color=True)
    with console.capture() as captured:
        console.print(audit.to_rich())
    return captured.get()


def test_claims_keep_the_digits_that_they_were_published_with() -> None:
    audit = made(row("small-cnn", published=".7520"), row("skin-pamper"))
    lines = audit.to_markdown().splitlines()
    pair = ".750 [.650, .850] | .500 [.400, .600] | −.250"
    assert lines[2] == f"| small-cnn | .7520 | {pair} | {pair} |"
    assert lines[3].startswith("| skin-pamper | – |")
    assert re.search(r"small-cnn +\.7520 +\.750 +\.500 +−\.250", drawn(audit))


def test_it_fits_a_hundred_columns_with_every_number_whole() -> None:
    rows = [
        row(name, published=".7445", seeds=3) for name in ("inception-resnet", "oversample-first")
    ]
    text = drawn(made(*rows))
    assert max(map(len, text.splitlines())) <= 100
    assert text.count(".750 ± .012") == text.count(".500 ± .012") == 4
    assert "…" not in text
    assert "mean ± standard deviation over 3 seeds" in " ".join(text.split())


def test_reasons_stand_below_in_words() -> None:
    audit = made(row("lenet"))
    assert list(audit.reasons()) == [("lenet", "All 10 test images validate as well (HM103).")]
    assert "lenet: All 10 test images" in drawn(audit)
    assert "- `lenet`: All 10 test images" in audit.to_markdown()


def test_epochs_that_were_cut_are_named() -> None:
    notes = " ".join(made(row("lenet"), row("deep-cnn", epochs=2)).notes())
    assert "Epochs were cut: deep-cnn 2 of 20; all others in full." in notes
    notes = " ".join(made(row("lenet", epochs=30)).notes())
    assert "Epochs differ: lenet 30 of 20." in notes
    assert "Epochs: as many as each system is trained for." in list(made(row("lenet")).notes())


def test_differences_that_chance_allows_are_named() -> None:
    small = dict.fromkeys(SCORE_NAMES, -0.14)  # Half widths of .1 and .1 reach to .141.
    notes = " ".join(made(row("lenet", difference=small), row("vgg16")).notes())
    assert "no more than chance for lenet (95 %" in notes
    assert "beyond chance for all" in " ".join(made(row("vgg16")).notes())


def test_a_test_part_of_equal_shares_is_named() -> None:
    notes = " ".join(
        made(row("small-cnn", protocol={"balanced": True}), row("lenet"), row("x")).notes()
    )
    assert "accuracy of small-cnn beside the honest balanced accuracy" in notes


def test_a_promise_stands_beside_what_was_found() -> None:
    promise = {
        "systems": ["deep-cnn-bn", "deep-cnn"],
        "promised": "more",
        "epochs": [2, 20],
        "found": {"reproduced": 0.012, "honest": None},
    }
    notes = list(made(row("deep-cnn"), promises=(promise,)).notes())
    assert notes[0] == (
        "deep-cnn-bn − deep-cnn: promised is more; found, in test accuracy after 2 of 20 "
        "epochs, is +.012 under their protocol, – on clean lesions."
    )


def test_scores_that_nobody_knows_are_dashes() -> None:
    unknown = dict.fromkeys(SCORE_NAMES, dict.fromkeys(("mean", "std", "low", "high")))
    none = dict.fromkeys(SCORE_NAMES)
    audit = made(row("lenet", reproduced=unknown, honest=unknown, difference=none))
    assert "| lenet | – | – | – | – | – | – | – |" in audit.to_markdown()


def test_differences_that_round_to_nothing_are_not_negative() -> None:
    audit = made(row("lenet", difference=dict.fromkeys(SCORE_NAMES, -0.0001)))
    assert "| +.000 |" in audit.to_markdown()


def test_weights_and_what_else_was_claimed_are_named() -> None:
    notes = list(made(row("vgg16", weights="imagenet", claim_note="curves only")).notes())
    assert "Pretrained weights: vgg16 imagenet." in notes
    assert "About the claims: vgg16 (curves only)." in notes


def test_json_says_what_it_is() -> None:
    audit = made(row("lenet"))
    facts = json.loads(audit.format("json"))
    assert facts["schema"] == SCHEMA
    assert facts["rows"] == json.loads(json.dumps(audit.rows))
    assert facts["notes"] == list(audit.notes())


def test_an_unknown_format_is_refused() -> None:
    for name in FORMATS[1:]:
        assert made(row("lenet")).format(name)
    with pytest.raises(UsageError, match="no format 'latex'"):
        made(row("lenet")).format("latex")
