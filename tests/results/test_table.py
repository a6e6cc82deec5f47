import csv
import io
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hmnist.errors import TrustError, UsageError
from hmnist.results.rows import Ranking
from hmnist.results.table import FORMATS, SCHEMA, Table
from hmnist.scores.comparison import Difference
from hmnist.scores.scoring import SCORE_NAMES
from tests.results.examples import UNKNOWN, data_facts, split_facts, table_row, table_settings


@pytest.fixture
def table() -> Table:
    return Table(
        data=data_facts(),
        split=split_facts(),
        settings=table_settings(),
        rows=(table_row("majority", 0.9), table_row("hist-gbdt", 0.5), table_row("cnn", 0.7)),
    )


@pytest.fixture
def ranked() -> Table:
    """A table whose second row is as good as its best."""
    return Table(
        data=data_facts(),
        split=split_facts(),
        settings=table_settings(),
        rows=(
            table_row("cnn", 0.7),
            table_row("mlp", 0.68, difference=Difference(-0.02, -0.05, 0.01, 0.4)),
            table_row("majority", 0.2, difference=Difference(-0.5, -0.6, -0.4, 0.0004)),
        ),
        ranking=Ranking(score="balanced_accuracy", best="cnn", tests=2, resamples=5000),
        warnings=("Fold 3 is odd.",),
    )


def print_on_terminal(table: Table, width: int = 100) -> str:
    text = io.StringIO()
    console = Console(width=width, file=text, color_system=None)
    console.print(table.to_rich())
    return text.getvalue()


def models(table: Table) -> list[str]:
    return [row.model for row in table.rows]


def test_the_best_row_comes_first_and_the_majority_last(table: Table) -> None:
    assert models(table.sorted()) == ["cnn", "hist-gbdt", "majority"]


def test_losses_and_costs_rise(table: Table) -> None:
    rows = (table_row("slow", 0.5, fit_seconds=9.0), table_row("fast", 0.6, fit_seconds=1.0))
    assert models(replace(table, rows=rows).sorted("fit_seconds")) == ["fast", "slow"]
    assert models(replace(table, rows=rows).sorted("log_loss")) == ["slow", "fast"]


def test_unknown_scores_come_last(table: Table) -> None:
    row = table_row("blind", 0.5)
    unknown = replace(row, scores={**row.scores, "recall_df": UNKNOWN})
    ordered = replace(table, rows=(unknown, *table.rows)).sorted("recall_df")
    assert models(ordered) == ["cnn", "hist-gbdt", "blind", "majority"]


def test_a_column_that_is_none_cannot_sort(table: Table) -> None:
    with pytest.raises(UsageError, match="no column called 'beauty'"):
        table.sorted("beauty")


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("seeds", [1, 5])
def test_a_terminal_of_any_width_holds_it(table: Table, seeds: int, width: int) -> None:
    rows = (
        table_row("inception-resnet smote", 0.512, seeds),
        table_row("hist-gbdt", 0.5, seeds, patients=True),
    )
    lines = print_on_terminal(replace(table, rows=rows), width).splitlines()
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)
    named = [line for line in lines if line.startswith("inception-resnet smote ")]
    assert len(named) == len([line for line in lines if line.startswith("hist-gbdt + patients ")])
    assert "".join(named).count(".512") == 15
    assert lines[0].split()[:3] == ["model", "balanced", "acc."]


def test_json_is_what_the_table_holds(table: Table) -> None:
    read = json.loads(table.to_json())
    assert read["schema"] == SCHEMA
    assert set(read) == {
        *("schema", "data", "split", "settings", "rows", "ranking", "warnings"),
    }
    assert read["rows"][0]["accuracy"] == {"mean": 0.9, "std": None, "low": 0.8, "high": 1.0}
    assert read["rows"][0]["parameters"] == 1_163_175


def test_parameters_that_were_set_are_named_below(table: Table) -> None:
    assert "Parameters" not in "".join(table.notes())
    rows = tuple(replace(row, changed={"epochs": 20, "networks": 2}) for row in table.rows[:1])
    changed = replace(table, rows=(*rows, *table.rows[1:]))
    sentence = f"Parameters that were set: {rows[0].model} epochs 20, networks 2."
    assert sentence in list(changed.notes())
    assert Table.from_json(changed.to_json()) == changed


def test_json_is_read_as_it_was_written(table: Table, ranked: Table) -> None:
    assert Table.from_json(table.to_json()) == table
    assert Table.from_json(ranked.to_json()) == ranked
    rows = json.loads(ranked.to_json())["rows"]
    assert rows[0]["difference"] is None
    assert rows[1]["difference"] == {
        "difference": -0.02, "low": -0.05, "high": 0.01, "p_value": 0.4,
    }  # fmt: skip


def test_the_best_rows_are_marked_and_the_mark_is_explained(table: Table, ranked: Table) -> None:
    lines = ranked.to_markdown().splitlines()
    assert [line.split(" | ")[0] for line in lines[2:5]] == ["| cnn •", "| mlp •", "| majority"]
    (note,) = (line for line in lines if line.startswith("•"))
    assert "Best on balanced accuracy, or not distinguishable" in note
    assert "bootstrap over lesions, 5,000 resamples, 2 tests corrected together (Holm)" in note
    assert note.endswith("How much worse they may be: up to .050 (95% intervals, uncorrected).")
    assert "Warning: Fold 3 is odd." in lines
    assert "•" not in table.to_markdown()
    # Another order changes neither the marks nor what they mean.
    assert ranked.sorted("log_loss").rows != ranked.rows
    assert [*ranked.sorted("log_loss").notes()] == [*ranked.notes()]
    pooled = replace(ranked, split=split_facts(folds=5), data=data_facts(lesions=None))
    assert "bootstrap over images, 5,000 resamples, pooled over folds" in next(pooled.notes())
    several = replace(ranked, rows=(table_row("cnn", 0.5, 3), *ranked.rows[1:]))
    assert "pooled over seeds" in next(several.notes())


def test_an_ensemble_and_its_weights_can_be_written_as_csv(table: Table) -> None:
    rows = (*table.rows, table_row("ensemble", 0.5, members={"cnn": 0.75}))
    read = list(csv.DictReader(io.StringIO(replace(table, rows=rows).to_csv())))
    assert [row["members_cnn"] for row in read] == ["", "", "", "0.75"]


def test_numbers_of_a_ranked_table_have_columns(ranked: Table) -> None:
    frame = ranked.to_pandas()
    assert frame["difference"].tolist()[1:] == [-0.02, -0.5]
    assert frame["difference_p_value"].tolist()[1:] == [0.4, 0.0004]
    assert list(csv.DictReader(io.StringIO(ranked.to_csv())))[2]["difference_low"] == "-0.6"


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "hmnist-table/1"},
        {"rows": [{"model": "cnn"}]},
        {"rows": 7},
        {"data": {}},
        {"split": None},
    ],
)
def test_a_damaged_table_is_refused(table: Table, change: dict[str, object]) -> None:
    with pytest.raises(TrustError):
        Table.from_json(json.dumps({**table.to_dict(), **change}))


def test_csv_and_pandas_hold_every_number(table: Table) -> None:
    rows = list(csv.DictReader(io.StringIO(table.to_csv())))
    frame = table.to_pandas()
    assert len(rows) == len(frame) == 3
    assert list(frame.columns) == list(rows[0])
    assert {f"{name}_{part}" for name in SCORE_NAMES for part in ("mean", "std", "low", "high")} < {
        *frame.columns
    }
    assert [float(row["roc_auc_ovr_mean"]) for row in rows] == frame["roc_auc_ovr_mean"].tolist()


def test_markdown_is_a_table_with_its_notes(table: Table) -> None:
    lines = table.to_markdown().splitlines()
    assert lines[0].startswith("| model | balanced acc. |")
    assert lines[1].count("|") == lines[0].count("|") == lines[2].count("|")
    assert "No lesion is in two parts." in table.to_markdown()


def test_latex_holds_both_halves_and_the_notes(table: Table, ranked: Table) -> None:
    text = ranked.to_latex()
    for kind, count in (("table", 1), ("tabular", 2), ("minipage", 1)):
        assert text.count(rf"\begin{{{kind}}}") == text.count(rf"\end{{{kind}}}") == count
    assert all(text.count(rule) == 2 for rule in (r"\toprule", r"\midrule", r"\bottomrule"))
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert [line.count("&") for line in rows] == [8] * 4 + [11] * 4
    assert [line.startswith(r"\textbf{") for line in rows] == [False, True, True, False] * 2
    assert r"\caption{Models on the test part of file\_28.csv.}" in text
    assert r"\label{tab:hmnist}" in text
    assert "Bold: Best on balanced accuracy" in text
    assert "•" not in text
    assert "Warning: Fold 3 is odd." in text
    spread = replace(table, rows=(table_row("cnn", 0.5, 3),)).to_latex()
    assert r".500 $\pm$ .010" in spread


def test_latex_is_escaped(table: Table, ranked: Table) -> None:
    name = r"50%_a&b#1 $x$ {y} ~^\ <1> − × ≥.csv"
    text = replace(ranked, data=data_facts(name=name)).to_latex()
    assert text.count(r"50\%\_a\&b\#1 \$x\$ \{y\} \textasciitilde{}\textasciicircum{}") == 2
    assert all(ord(sign) < 128 for sign in text)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_compiles(ranked: Table, tmp_path: Path) -> None:
    packages = r"\usepackage{booktabs,graphicx}"
    text = (
        rf"\documentclass{{article}}{packages}\begin{{document}}{ranked.to_latex()}\end{{document}}"
    )
    (tmp_path / "table.tex").write_text(text, encoding="utf-8")
    words = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_notes_name_what_was_done(table: Table) -> None:
    text = "\n".join(table.notes())
    for fact in ("file_28.csv", "80 lesions", "by lesion", "seed 0", "one seed", "df and vasc"):
        assert fact in text
    for fact in ("natural", "quick", "CPU", "2 threads", "70 / 10 / 20"):
        assert fact in text


def test_the_sample_and_unknown_lesions_are_named(table: Table) -> None:
    doubtful = replace(table, data=data_facts(synthetic=True, lesions=None))
    text = "\n".join(doubtful.notes())
    assert "Data: file_28.csv (generated images, no photographs), 100 images" in text
    assert "lesions unknown" in text
    assert "interval over images" in text
    assert "over lesions" not in text
    assert "interval over lesions" in "\n".join(table.notes())


def test_merged_lesions_and_the_kind_of_split_are_named(table: Table) -> None:
    def notes(**changes: Any) -> str:
        return "\n".join(replace(table, **changes).notes())

    assert "80 lesions (18 known duplicate pairs merged)." in notes(
        data=data_facts(merged_pairs=18)
    )
    assert "(1 known duplicate pair merged)" in notes(data=data_facts(merged_pairs=1))
    assert "Split: by image, seed 0" in notes(split=split_facts(kind="image"))
    assert "Split: the file's own: 70" in notes(split=split_facts(kind="own", seed=None))
    assert "Split: from s.csv: 70" in notes(split=split_facts(kind="s.csv", seed=None))
    published = split_facts(kind="published:lenet", published=True)
    assert "Split: the protocol of lenet, seed 0" in notes(split=published)


def test_the_weights_of_an_ensemble_are_named_and_who_was_left_out(table: Table) -> None:
    assert not any(note.startswith("Weights") for note in table.notes())
    members = {"cnn": 0.75, "xgboost": 0.25, "logistic": 0.0}
    ensemble = table_row("ensemble", 0.5, members=members, patients=True)
    notes = [*replace(table, rows=(*table.rows, ensemble)).notes()]
    expected = "Weights in ensemble + patients: cnn .750, xgboost .250; left out: logistic."
    assert expected in notes
    row = next(row for row in table.rows if row.model != "majority")
    ensemble = table_row("ensemble", 0.5, members={row.model: 1.0})
    notes = [*replace(table, rows=(*table.rows, ensemble)).notes()]
    seconds = row.fit_seconds + ensemble.fit_seconds
    expected = f"Weights in ensemble: {row.model} 1.000. Fitted with its models: {seconds:.1f} s."
    assert expected in notes


def test_pretrained_weights_are_named(table: Table) -> None:
    assert not any(note.startswith("Pretrained") for note in table.notes())
    pretrained = replace(table, rows=(table_row("vgg16", 0.5, pretrained="imagenet"),))
    assert "Pretrained weights: vgg16 imagenet." in set(pretrained.notes())


def test_different_processors_are_named(table: Table) -> None:
    def notes(*devices: str) -> str:
        return " ".join(replace(table, settings=table_settings(devices=devices)).notes())

    assert "Device: CPU (A) and CPU (B), 2 threads" in notes("CPU (A)", "CPU (B)")
    assert "trained on different processors" in notes("CPU (A)", "CPU (B)")
    assert "different processors" not in notes("CPU (A)", "GPU (B)")
    assert "different processors" not in notes("CPU (A)")


def test_cells_side_by_side_mark_the_times(table: Table) -> None:
    crowded = replace(table, settings=table_settings(side_by_side=True))
    assert "not comparable" in "\n".join(crowded.notes())
    assert "not comparable" not in "\n".join(table.notes())


def test_one_seed_has_no_standard_deviation(table: Table) -> None:
    assert "±" not in print_on_terminal(table).split("Scores:")[0]
    spread = replace(table, rows=(table_row("cnn", 0.5, 3),))
    assert "± .010" in print_on_terminal(spread)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "table"])
def test_every_format_can_be_written(table: Table, name: str) -> None:
    assert table.format(name).endswith("\n")


def test_an_unknown_format_is_refused(table: Table) -> None:
    with pytest.raises(UsageError, match="no format called 'xml'"):
        table.format("xml")


def test_rows_say_whether_they_use_patient_data(table: Table) -> None:
    assert "patient" not in table.to_markdown()
    rows = (table_row("cnn", 0.5), table_row("cnn", 0.6, patients=True))
    both = replace(table, rows=rows)
    text = both.to_markdown()
    assert "| cnn |" in text
    assert "| cnn + patients |" in text
    assert "age, sex, site" in text
    assert [row["patients"] for row in json.loads(both.to_json())["rows"]] == [False, True]
    assert Table.from_json(both.to_json()) == both
    assert both.to_pandas()["patients"].tolist() == [False, True]


@pytest.mark.parametrize("path", ["runs/table.json", "runs/benchmark", Path("table.json")])
def test_the_name_of_a_file_is_not_its_text(path: Any) -> None:
    with pytest.raises(UsageError, match=r"takes the text of a file, not .*read_text\(\)"):
        Table.from_json(path)
