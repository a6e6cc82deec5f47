import json
import re

import pytest

from hmnist.errors import TrustError, UsageError
from hmnist.results.audit_table import FORMATS, SCHEMA, Audit, AuditRow, Promise
from hmnist.scores.scoring import SCORE_NAMES
from hmnist.splits.leaks import Leak
from hmnist.systems.system import Claim
from tests.results.examples import (
    UNKNOWN,
    audit_row,
    data_facts,
    split_facts,
    summaries,
    table_settings,
)


def made(*rows: AuditRow, promises: tuple[Promise, ...] = ()) -> Audit:
    return Audit(
        data=data_facts(),
        split=split_facts(),
        settings=table_settings(),
        rows=rows,
        promises=promises,
    )


def drawn(audit: Audit) -> str:
    from rich.console import Console

    console = Console(width=100, no_color=True)
    with console.capture() as captured:
        console.print(audit.to_rich())
    return captured.get()


def test_claims_keep_the_digits_that_they_were_published_with() -> None:
    audit = made(audit_row("small-cnn", claim=Claim(".7520")), audit_row("skin-pamper"))
    lines = audit.to_markdown().splitlines()
    pair = ".750 [.650, .850] | .500 [.400, .600] | −.250"
    assert lines[2] == f"| small-cnn | .7520 | {pair} | {pair} |"
    assert lines[3].startswith("| skin-pamper | – |")
    assert re.search(r"small-cnn +\.7520 +\.750 +\.500 +−\.250", drawn(audit))


def test_it_fits_a_hundred_columns_with_every_number_whole() -> None:
    rows = [
        audit_row(name, claim=Claim(".7445"), seeds=3)
        for name in ("inception-resnet", "oversample-first")
    ]
    text = drawn(made(*rows))
    assert max(map(len, text.splitlines())) <= 100
    assert text.count(".750 ± .012") == text.count(".500 ± .012") == 4
    assert "…" not in text
    assert "mean ± standard deviation over 3 seeds" in " ".join(text.split())


def test_reasons_stand_below_in_words() -> None:
    leak = Leak("HM103", "test used for validation", 10, "all 10 test images validate as well")
    row = audit_row("lenet", split=split_facts(published=True, leaks=(leak,)))
    reason = "Protocol: random 90/10 by image. All 10 test images validate as well (HM103)."
    assert row.reason == reason
    audit = made(row)
    assert reason in " ".join(drawn(audit).split())
    assert f"- `lenet`: {reason}" in audit.to_markdown()
    assert "shares nothing" in audit_row("lenet").reason


def test_epochs_that_were_cut_are_named() -> None:
    notes = " ".join(made(audit_row("lenet"), audit_row("deep-cnn", epochs=2)).notes())
    assert "Epochs were cut: deep-cnn 2 of 20; all others in full." in notes
    notes = " ".join(made(audit_row("lenet", epochs=30)).notes())
    assert "Epochs differ: lenet 30 of 20." in notes
    assert "Epochs: as many as each system is trained for." in list(
        made(audit_row("lenet")).notes()
    )


def test_differences_that_chance_allows_are_named() -> None:
    near = summaries(0.61)  # Half widths of .1 and .1 reach to .141, and it is .14 below.
    notes = " ".join(made(audit_row("lenet", honest=near), audit_row("vgg16")).notes())
    assert "no more than chance for lenet (95%" in notes
    assert "beyond chance for all" in " ".join(made(audit_row("vgg16")).notes())


def test_a_test_part_of_equal_shares_is_named() -> None:
    notes = " ".join(
        made(audit_row("small-cnn", balanced=True), audit_row("lenet"), audit_row("x")).notes()
    )
    assert "accuracy of small-cnn beside the honest balanced accuracy" in notes


def test_a_promise_stands_beside_the_difference_that_came_out() -> None:
    promise = Promise(
        systems=("deep-cnn-bn", "deep-cnn"),
        promised="more",
        epochs=2,
        own_epochs=20,
        reproduced=0.012,
        honest=None,
    )
    notes = list(made(audit_row("deep-cnn"), promises=(promise,)).notes())
    assert notes[0] == (
        "deep-cnn-bn − deep-cnn: promised is more; the difference of test accuracy after 2 of 20 "
        "epochs is +.012 under their protocol, – by lesion."
    )


def test_unknown_scores_are_dashes() -> None:
    unknown = dict.fromkeys(SCORE_NAMES, UNKNOWN)
    audit = made(audit_row("lenet", reproduced=unknown, honest=unknown))
    assert "| lenet | – | – | – | – | – | – | – |" in audit.to_markdown()


def test_differences_that_round_to_nothing_are_not_negative() -> None:
    audit = made(audit_row("lenet", honest=summaries(0.7499)))
    assert "| +.000 |" in audit.to_markdown()


def test_pretrained_weights_and_notes_on_claims_are_named() -> None:
    notes = list(
        made(audit_row("vgg16", pretrained="imagenet", claim=Claim(note="curves only"))).notes()
    )
    assert "Pretrained weights: vgg16 imagenet." in notes
    assert "About the claims: vgg16 (curves only)." in notes


def test_json_says_what_it_is() -> None:
    audit = made(audit_row("lenet"))
    facts = json.loads(audit.format("json"))
    assert facts["schema"] == SCHEMA
    assert facts["rows"][0]["reproduced"]["accuracy"]["mean"] == 0.75
    assert facts["rows"][0]["reason"] == audit.rows[0].reason
    assert facts["notes"] == list(audit.notes())


def test_json_is_read_as_it_was_written() -> None:
    leak = Leak("HM103", "test used for validation", 10, "all 10 test images validate as well")
    row = audit_row("lenet", split=split_facts(published=True, leaks=(leak,)), seeds=3)
    promise = Promise(
        systems=("a", "b"), promised="more", epochs=1, own_epochs=2, reproduced=0.1, honest=None
    )
    audit = made(row, promises=(promise,))
    assert Audit.from_json(audit.to_json()) == audit
    with pytest.raises(TrustError, match="not of the kind"):
        Audit.from_json('{"schema": "hmnist-audit/1"}')


def test_an_unknown_format_is_refused() -> None:
    for name in FORMATS[1:]:
        assert made(audit_row("lenet")).format(name)
    with pytest.raises(UsageError, match="no format called 'latex'"):
        made(audit_row("lenet")).format("latex")
