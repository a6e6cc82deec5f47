import json
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from hmnist.errors import TrustError, UsageError
from hmnist.results.audit_rows import COMPARED, AuditRow, Promise, correct_rows
from hmnist.results.audit_table import FORMATS, SCHEMA, Audit
from hmnist.scores.comparison import Difference
from hmnist.scores.scoring import SCORE_NAMES
from hmnist.scores.significance import correct_holm
from hmnist.splits.leaks import Leak
from hmnist.systems.system import Claim
from tests.results.examples import (
    UNKNOWN,
    audit_row,
    data_facts,
    difference,
    split_facts,
    table_settings,
)


def made(*rows: AuditRow, promises: tuple[Promise, ...] = ()) -> Audit:
    return Audit(data=data_facts(), settings=table_settings(), rows=rows, promises=promises)


def drawn(audit: Audit, width: int = 80) -> str:
    from rich.console import Console

    console = Console(width=width, no_color=True)
    with console.capture() as captured:
        console.print(audit.to_rich())
    return captured.get()


def notes(*rows: AuditRow) -> str:
    return " ".join(made(*rows).notes())


def test_claims_keep_the_digits_that_they_were_published_with() -> None:
    audit = made(audit_row("small-cnn", claim=Claim(".7520")), audit_row("skin-pamper"))
    lines = audit.to_markdown().splitlines()
    assert lines[2] == "| small-cnn | .7520 | .750 | .770 | .500 |"
    assert lines[3] == "| skin-pamper | – | .750 | .770 | .500 |"
    assert re.search(r"small-cnn +\.7520 +\.750 +\.770 +\.500", drawn(audit))


def test_a_claim_of_the_best_epoch_is_called_so() -> None:
    audit = made(audit_row("lenet", claim=Claim(".7445", "of 20", best_epoch=True)))
    assert "| lenet | .7445 best | .750 | .770 | .500 |" in audit.to_markdown()
    assert "About the claims: lenet (of 20)." in list(audit.notes())


def test_each_leak_has_its_difference_with_an_interval_and_so_have_all() -> None:
    expected = [
        ("clean", ".500"),
        ("+ shared lesions", "+.010 [−.010, +.030] "),
        ("+ test validates", "−.030 [−.050, −.010]*"),
        ("all leaks", "−.020 [−.040, +.000]*"),
    ]
    row = audit_row("lenet")
    unsure = {score: replace(each, p_value=0.3) for score, each in row.steps[1].effect.items()}
    row = replace(row, steps=(row.steps[0], replace(row.steps[1], effect=unsure), row.steps[2]))
    audit = made(row)
    for name, text in expected:
        assert f"| lenet | {name} | {text} | {text} |" in audit.to_markdown()
        pattern = rf"{re.escape(name)} +{re.escape(text)} +{re.escape(text.strip())}"
        assert re.search(pattern, drawn(audit))
    # The name of a system stands once on a terminal.
    assert len(re.findall(r"^ ?lenet  ", drawn(audit), re.MULTILINE)) == 2


def test_all_differences_of_an_audit_are_corrected_together() -> None:
    """With one leak, the difference of all leaks is that of the leak: it counts once."""
    raw = [0.001, 0.02, 0.03, 0.2, 0.04, 0.9, 0.01, 0.5]
    p_values = iter(raw)

    def effect() -> dict[str, Difference]:
        return {score: Difference(0.1, 0.0, 0.2, next(p_values)) for score in COMPARED}

    several, single = audit_row("lenet"), audit_row("mobilenet")
    clean, *others = several.steps
    steps = (clean, *(replace(step, effect=effect()) for step in others))
    several = replace(several, steps=steps, all_leaks=effect())
    only = effect()
    single = replace(single, steps=(clean, replace(others[0], effect=only)), all_leaks=only)

    several, single = correct_rows([several, single])

    effects = [step.effect for step in several.steps[1:]]
    effects += [several.all_leaks, single.all_leaks]
    found = [difference.p_value for each in effects for difference in each.values()]
    assert found == correct_holm(raw)
    assert single.all_leaks == single.steps[1].effect


def test_one_leak_alone_is_not_summed_up() -> None:
    row = audit_row("mobilenet")
    audit = made(replace(row, steps=row.steps[:2], all_leaks=row.steps[1].effect))
    assert "all leaks" not in audit.to_markdown().partition("Protocol")[0]


def test_it_fits_eighty_columns_with_every_number_whole() -> None:
    rows = [
        audit_row(name, claim=Claim(".7445", best_epoch=True), seeds=3)
        for name in ("inception-resnet", "oversample-first")
    ]
    rows = [
        replace(row, steps=(*row.steps, replace(row.steps[1], name="repeated rows")))
        for row in rows
    ]
    lines = drawn(made(*rows)).splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("system") for line in lines) == 1
    assert sum(line.startswith("leaks alone") for line in lines) == 1
    text = "\n".join(lines)
    assert text.count(".750 ± .012") == 2
    assert text.count("+.010 [−.010, +.030]") == 8
    assert "…" not in text
    assert max(map(len, drawn(made(*rows), 40).splitlines())) <= 40


def test_the_interval_says_what_was_drawn() -> None:
    assert "lesions only: there is one seed" in notes(audit_row("lenet"))
    assert "over lesions and trainings (5 seeds)." in notes(audit_row("lenet", seeds=5))
    assert "mean ± standard deviation over 5 seeds" in notes(audit_row("lenet", seeds=5)).lower()


@pytest.mark.parametrize(
    ("claim", "missed"),
    [
        # .1 for the lesions here, as much for the source's; Student's 2.776 · .012 · √(1 + 1/5)
        # for one more training: in squares .146, around .750.
        (Claim(".61"), False),
        (Claim(".89"), False),
        (Claim(".60"), True),
        (Claim(".90"), True),
        # With the best epoch, around .770.
        (Claim(".61", best_epoch=True), True),
        (Claim(".91", best_epoch=True), False),
        (Claim(), False),
    ],
)
def test_a_claim_beyond_what_chance_explains_was_not_reproduced(claim: Claim, missed: bool) -> None:
    row = audit_row("pixel-mlp", claim=claim, seeds=5)
    assert row.misses_claim() == missed
    assert (f"Claims tried: pixel-mlp {claim.published} outside [." in notes(row)) == missed
    is_tried = claim.accuracy is not None
    assert ("Claims tried" in notes(row)) == is_tried


def test_the_interval_that_a_claim_is_compared_with_is_printed() -> None:
    """Around .750, the standard deviation of 5 seeds .012, an interval of ± .1 over lesions."""
    row = audit_row("pixel-mlp", claim=Claim(".70"), seeds=5)
    of_training = stats.t.ppf(0.975, 4) * 0.012 * np.sqrt(1 + 1 / 5)
    half = np.hypot(of_training, np.sqrt(2) * 0.1)
    assert row.claim_interval() == pytest.approx((0.75 - half, 0.75 + half))
    assert f"pixel-mlp .70 in [{0.75 - half:.3f}, {0.75 + half:.3f}]".replace("0.", ".") in notes(
        row
    )


def test_a_claim_of_the_best_epoch_has_the_spread_of_best_epochs() -> None:
    row = audit_row("lenet", claim=Claim(".61", best_epoch=True), seeds=5)
    assert row.best_epoch is not None
    # Student's 2.776 · .03 · √(1 + 1/5) is .091: in squares with the lesions .168, around .770.
    loose = replace(row, best_epoch=replace(row.best_epoch, std=0.03))
    assert row.misses_claim()
    assert not loose.misses_claim()


def test_the_interval_of_a_claim_is_one_of_accuracies() -> None:
    """Trainings that differ that much exclude no accuracy."""
    row = audit_row("pixel-mlp", claim=Claim(".70"), seeds=5)
    accuracy = replace(row.reproduced["accuracy"], std=0.4)
    assert replace(row, reproduced={**row.reproduced, "accuracy": accuracy}).claim_interval() == (
        0,
        1,
    )


def test_several_claims_are_corrected_together() -> None:
    """For two claims: Student's 3.495 instead of 2.776, and for the lesions 2.241 for 1.960."""
    missed, other = audit_row("pixel-mlp", claim=Claim(".60"), seeds=5), Claim(".75")
    assert "pixel-mlp .60 outside" in notes(missed)
    assert "outside [" not in notes(missed, audit_row("lenet", claim=other, seeds=5))
    assert "outside [" in notes(missed, audit_row("lenet", claim=other, seeds=5, epochs=2))
    far = audit_row("pixel-mlp", claim=Claim(".58"), seeds=5)
    assert "(95% prediction interval, 2 claims corrected together (Bonferroni))" in notes(
        far, audit_row("lenet", claim=other, seeds=5)
    )


def test_trainings_that_have_learnt_nothing_are_counted() -> None:
    rows = audit_row("pixel-mlp", seeds=5, failed=4), audit_row("lenet", seeds=5)
    assert "pixel-mlp: 4 of 20 trainings have failed: they predict the same" in notes(*rows)
    assert "lenet: " not in notes(*rows)


def test_diagnoses_with_few_lesions_are_named() -> None:
    few = "Fewer than 10 lesions in a test part (df 8): intervals are too narrow."
    rows = [audit_row(name, few_lesions=few) for name in ("lenet", "vgg16")]
    text = notes(*rows, audit_row("small-cnn"))
    assert text.count("fewer than 10 lesions") == 1
    assert "lenet and vgg16: fewer than 10 lesions in a test part (df 8)" in text


def test_a_claim_is_not_compared_with_a_training_that_was_cut() -> None:
    assert not audit_row("lenet", claim=Claim(".99"), seeds=3, epochs=2).misses_claim()
    assert audit_row("lenet", claim=Claim(".99"), seeds=3).misses_claim()


def test_a_claim_is_not_compared_with_a_single_training() -> None:
    assert not audit_row("lenet", claim=Claim(".99")).misses_claim()


def test_a_claim_is_not_compared_with_unknown_scores() -> None:
    unknown = dict.fromkeys(SCORE_NAMES, UNKNOWN)
    row = audit_row("lenet", claim=Claim(".7"), reproduced=unknown, best_epoch=None, seeds=3)
    assert not row.misses_claim()
    assert "| lenet | .7 | – | – | .500 ± .012 |" in made(row).to_markdown()


def test_reasons_stand_below_in_words() -> None:
    leak = Leak("HM103", "test used for validation", 10, "all 10 test images validate as well")
    row = audit_row("lenet", split=split_facts(published=True, leaks=(leak,)))
    reason = (
        "Protocol: random 90/10 by image. All 10 test images validate as well (HM103). Leaks "
        "alone: 70 / 10 / 20 images train / validate / test."
    )
    assert row.reason == reason
    audit = made(row)
    assert reason in " ".join(drawn(audit).split())
    assert f"- `lenet`: {reason}" in audit.to_markdown()
    assert "shares nothing" in audit_row("lenet").reason


def test_epochs_that_were_cut_are_named() -> None:
    cut = notes(audit_row("lenet"), audit_row("deep-cnn", epochs=2))
    assert "Epochs were cut: deep-cnn 2 of 20; all others in full." in cut
    assert "Epochs differ: lenet 30 of 20." in notes(audit_row("lenet", epochs=30))
    assert "Epochs: as many as each system is trained for." in list(
        made(audit_row("lenet")).notes()
    )


def test_a_test_part_of_equal_shares_is_named() -> None:
    text = notes(audit_row("small-cnn", balanced=True), audit_row("lenet"))
    assert "In the test part of small-cnn under the own protocol, every diagnosis" in text


PROMISE = Promise(
    systems=("deep-cnn-bn", "deep-cnn"),
    promised="more",
    epochs=2,
    own_epochs=20,
    reproduced=difference(0.012),
    clean=difference(-0.01),
)


def test_a_promise_stands_beside_the_differences_that_came_out() -> None:
    assert next(made(audit_row("deep-cnn"), promises=(PROMISE,)).notes()) == (
        "deep-cnn-bn − deep-cnn: promised is more; the difference of test accuracy after 2 of 20 "
        "epochs is +.012 [−.008, +.032] under their protocol, −.010 [−.030, +.010] without leaks."
    )


def test_pretrained_weights_are_named() -> None:
    assert "Pretrained weights: vgg16 imagenet." in notes(audit_row("vgg16", pretrained="imagenet"))


def test_json_says_what_it_is() -> None:
    audit = made(audit_row("lenet"))
    facts = json.loads(audit.format("json"))
    assert facts["schema"] == SCHEMA == "hmnist-audit/6"
    [row] = facts["rows"]
    assert row["reproduced"]["accuracy"]["mean"] == 0.75
    assert row["steps"][1]["effect"]["accuracy"]["low"] == pytest.approx(-0.01)
    assert row["all_leaks"]["balanced_accuracy"]["difference"] == -0.02
    assert row["reason"] == audit.rows[0].reason
    assert facts["notes"] == list(audit.notes())


def test_json_is_read_as_it_was_written() -> None:
    leak = Leak("HM103", "test used for validation", 10, "all 10 test images validate as well")
    row = audit_row("lenet", split=split_facts(published=True, leaks=(leak,)), seeds=3)
    audit = made(row, promises=(PROMISE,))
    assert Audit.from_json(audit.to_json()) == audit
    with pytest.raises(TrustError, match="The audit is of the kind"):
        Audit.from_json('{"schema": "hmnist-audit/3"}')


def test_an_unknown_format_is_refused() -> None:
    for name in FORMATS[1:]:
        assert made(audit_row("lenet")).format(name)
    with pytest.raises(UsageError, match="no format called 'latex'"):
        made(audit_row("lenet")).format("latex")
