from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from hmnist.arrays import Pixels
from hmnist.dataset import LesionDataset
from hmnist.diagnoses import CODES, DIAGNOSES
from hmnist.errors import UsageError
from hmnist.results import canvas
from hmnist.results.data_figures import (
    draw_data,
    missing_columns,
    plot_ages,
    plot_diagnoses,
    plot_sites,
    save_data_figures,
)
from hmnist.results.image_figure import choose_images, lay_out, plot_images
from hmnist.sources.sample import load_sample
from tests.conftest import Command
from tests.results.pictures import outside, text_of

KNOWN = {"diagnoses", "age", "sex", "site"}


@pytest.fixture(autouse=True)
def _coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw quickly."""
    monkeypatch.setattr(canvas, "DOTS_PER_INCH", 100)


@pytest.fixture(scope="module")
def figures() -> dict[str, Figure]:
    figures = dict(draw_data(load_sample(rows=700, seed=1), 0))
    for figure in figures.values():
        figure.draw_without_rendering()
    return figures


def test_there_is_a_sheet_per_diagnosis_and_a_figure_per_column(
    sample: LesionDataset, tmp_path: Path
) -> None:
    paths = save_data_figures(sample, tmp_path)
    assert {path.stem for path in paths} == KNOWN | {f"sheet-{code}" for code in CODES}
    for path in paths:
        with Image.open(path) as picture:
            assert picture.width == 7 * canvas.DOTS_PER_INCH
            assert np.asarray(picture.convert("L")).std() > 10


def test_the_same_data_give_the_same_bytes(sample: LesionDataset, tmp_path: Path) -> None:
    few = sample.take(np.flatnonzero(sample.labels == 3))
    first, again = (
        save_data_figures(few, tmp_path / "first"),
        save_data_figures(few, tmp_path / "again"),
    )
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


def names_of(data: LesionDataset) -> set[str]:
    return {name for name, _ in draw_data(data, 0)}


def test_without_metadata_the_rest_is_drawn(sample: LesionDataset) -> None:
    bare = replace(sample, lesion_ids=None, metadata=None)
    assert missing_columns(bare) == ["age", "sex", "localization"]
    assert KNOWN & names_of(bare) == {"diagnoses"}


def test_an_empty_column_is_not_drawn(sample: LesionDataset) -> None:
    assert sample.metadata is not None
    assert missing_columns(sample) == []
    metadata = sample.metadata.drop(columns="sex").assign(age=np.nan)
    part = replace(sample, metadata=metadata)
    assert missing_columns(part) == ["age", "sex"]
    assert KNOWN & names_of(part) == {
        "diagnoses",
        "site",
    }


def test_empty_cells_are_unknown(sample: LesionDataset) -> None:
    assert sample.metadata is not None
    metadata = sample.metadata.copy()
    metadata.loc[:9, ["sex", "localization"]] = None
    metadata.loc[:9, "age"] = np.nan
    few = replace(sample, metadata=metadata).take(np.arange(60))
    figures = dict(draw_data(few, 0))
    missing = int(metadata["age"][:60].isna().sum())
    assert f"unknown for {missing} more images" in text_of(figures["age"])
    assert "unknown" in text_of(figures["site"])
    # The bars hold shares of the images of a diagnosis.
    images = np.bincount(few.labels, minlength=len(CODES))
    heights: dict[str, list[int]] = {}
    for bars in figures["sex"].axes[0].containers:
        shares = np.array([bar.get_width() for bar in bars])
        heights[str(bars.get_label())] = np.rint(shares * images).astype(int).tolist()
    sexes = metadata["sex"][:60]
    for sex, rows in {
        "female": sexes == "female",
        "male": sexes == "male",
        "unknown": sexes.isna() | (sexes == "unknown"),
    }.items():
        assert heights[sex] == np.bincount(few.labels[rows], minlength=len(CODES)).tolist()
    assert sum(heights["unknown"]) >= 10
    sites = [label.get_text() for label in figures["site"].axes[0].get_yticklabels()]
    cells = [int(text.get_text().replace(",", "")) for text in figures["site"].axes[0].texts]
    at_site = dict(zip(sites, np.array(cells).reshape(-1, len(CODES)).sum(axis=1), strict=True))
    known_sites = metadata["localization"][:60]
    unknown = known_sites.isna() | (known_sites == "unknown")
    assert at_site["unknown"] == unknown.sum() >= 10


def test_diagnoses_are_counted(figures: dict[str, Figure]) -> None:
    data = load_sample(rows=700, seed=1)
    text = text_of(figures["diagnoses"])
    for label, count in enumerate(np.bincount(data.labels, minlength=7)):
        assert DIAGNOSES[label].name in text
        assert f"{count:,} image" in text


def test_every_image_is_counted_at_one_site(figures: dict[str, Figure]) -> None:
    data = load_sample(rows=700, seed=1)
    cells = [int(text.get_text().replace(",", "")) for text in figures["site"].axes[0].texts]
    np.testing.assert_array_equal(
        np.array(cells).reshape(-1, 7).sum(axis=0), np.bincount(data.labels, minlength=7)
    )


def test_every_known_age_is_in_a_bar(figures: dict[str, Figure]) -> None:
    data = load_sample(rows=700, seed=1)
    assert data.metadata is not None
    shown = [axes for axes in figures["age"].axes if axes.get_visible()]
    for label, axes in enumerate(shown):
        heights = [bar.get_height() for bar in axes.patches]  # type: ignore[attr-defined]  # they are rectangles
        ages = data.metadata["age"][data.labels == label].dropna()
        images = [height * len(ages) for height in heights]
        np.testing.assert_allclose(images, np.rint(images), atol=1e-9)
        assert sum(images) == pytest.approx(len(ages))
    assert len({axes.get_ylim() for axes in shown}) == 1


def test_every_figure_says_that_images_are_generated(figures: dict[str, Figure]) -> None:
    for figure in figures.values():
        assert "Synthetic sample: generated images" in text_of(figure)


def test_texts_stay_within_the_figure_and_titles_within_their_panel(
    figures: dict[str, Figure],
) -> None:
    for figure in figures.values():
        assert not outside(figure)
    boxes = [axes.title.get_window_extent() for axes in figures["age"].axes]
    assert not any(
        box.overlaps(other)
        for number, box in enumerate(boxes)
        for other in boxes[:number]
        if box.width
    )


def test_what_is_not_there_is_not_drawn(sample: LesionDataset) -> None:
    bare = replace(sample, metadata=None)
    for plot in (plot_ages, plot_sites):
        with pytest.raises(UsageError, match="does not tell") as error:
            plot(bare)
        assert "metadata" in error.value.hint
    with pytest.raises(UsageError, match="no diagnosis called 'naevus'"):
        plot_images(sample, "naevus")
    with pytest.raises(UsageError, match="no images of df"):
        plot_images(sample.take(np.flatnonzero(sample.labels != 3)), "df")


def test_a_sheet_shows_as_many_lesions_as_possible(sample: LesionDataset) -> None:
    assert sample.lesion_ids is not None
    rows = choose_images(sample, 4, seed=0)
    assert len(rows) == 96
    assert set(sample.labels[rows]) == {4}
    assert len(set(sample.lesion_ids[rows])) == 96
    np.testing.assert_array_equal(rows, choose_images(sample, 4, seed=0))
    assert rows.tolist() != choose_images(sample, 4, seed=1).tolist()


@pytest.mark.parametrize("shape", [(28, 28, 3), (8, 8, 1), (15, 20, 3)])
def test_a_sheet_holds_the_pixels_as_they_are(
    shape: tuple[int, int, int], rng: np.random.Generator
) -> None:
    images = rng.integers(0, 256, (14, *shape), dtype=np.uint8)
    sheet = lay_out(images)
    height, width, _ = shape
    gap = max(1, width // 14)
    for number, image in enumerate(images):
        top, left = number // 12 * (height + gap), number % 12 * (width + gap)
        np.testing.assert_array_equal(sheet[top : top + height, left : left + width], image)
    assert sheet.shape == (2 * height + gap, 12 * width + 11 * gap, shape[2])
    assert (sheet[height + gap :, 2 * (width + gap) :] == 255).all()


def grey(sample: LesionDataset) -> Pixels:
    return np.ascontiguousarray(sample.images[:, ::4, ::4, :1])


def upright(sample: LesionDataset) -> Pixels:
    return np.ascontiguousarray(sample.images[:, :, ::2])


@pytest.mark.parametrize("change", [grey, upright])
def test_other_sizes_are_drawn(
    change: Callable[[LesionDataset], Pixels], sample: LesionDataset, tmp_path: Path
) -> None:
    few = sample.take(np.flatnonzero(sample.labels == 3))
    save_data_figures(replace(few, images=change(few), metadata=None), tmp_path)


def test_any_name_can_be_drawn(sample: LesionDataset, tmp_path: Path) -> None:
    odd = replace(sample.take(np.array([0])), name="$x$_皮肤\\frac{.csv", metadata=None)
    save_data_figures(odd, tmp_path)
    assert odd.name in text_of(dict(draw_data(odd, 0))["diagnoses"])


def test_only_the_most_frequent_of_many_sites_are_drawn(sample: LesionDataset) -> None:
    assert sample.metadata is not None
    sites = [f"site {row % 30}" for row in range(len(sample))]
    metadata = sample.metadata.assign(localization=sites)
    many = replace(sample, metadata=metadata).take(np.flatnonzero(sample.labels == 4))
    text = text_of(dict(draw_data(many, 0))["site"])
    assert "The 20 most frequent of 30 sites" in text


def test_one_image_is_enough_and_none_is_not(sample: LesionDataset, tmp_path: Path) -> None:
    save_data_figures(sample.take(np.array([0])), tmp_path)
    with pytest.raises(UsageError, match="no images"):
        save_data_figures(sample.take(np.array([], dtype=np.int64)), tmp_path)


def test_the_command_prints_the_paths_of_its_files(command: Command) -> None:
    assert command("data", "sample", "--rows", "60", "--out", "pixels.csv").code == 0
    called = command("data", "plot", "pixels.csv", "--out", "pictures")
    assert called.code == 0, called.err
    paths = [Path(line) for line in called.out.splitlines()]
    assert len(paths) == 11
    assert all(path.is_file() for path in paths)


def test_the_command_draws_in_other_formats(command: Command) -> None:
    assert command("data", "sample", "--rows", "42", "--out", "pixels.csv").code == 0
    called = command("data", "plot", "pixels.csv", "--figures", "svg,svg")
    assert called.code == 0, called.err
    assert {path.suffix for path in Path("hmnist-figures").iterdir()} == {".svg"}
    assert len(called.out.splitlines()) == len(list(Path("hmnist-figures").iterdir()))


def test_the_command_names_missing_columns(command: Command) -> None:
    assert command("data", "sample", "--rows", "60", "--out", "pixels.csv").code == 0
    called = command("data", "plot", "pixels.csv", "--metadata", "none")
    assert called.code == 0, called.err
    assert "not drawn: age, sex, localization" in called.err
    assert Path("hmnist-figures/diagnoses.png").is_file()


def test_without_matplotlib_nothing_is_read(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hmnist.results.canvas.can_draw", lambda: False)
    called = command("data", "plot", "no-such-file.csv")
    assert called.code == 2
    assert "pip install matplotlib" in called.err


def test_no_images_and_a_negative_seed_are_refused(sample: LesionDataset) -> None:
    with pytest.raises(UsageError, match="holds no images to draw"):
        plot_diagnoses(sample.take(np.arange(0)))
    with pytest.raises(UsageError, match="from 0, not -1"):
        plot_images(sample, "nv", seed=-1)
