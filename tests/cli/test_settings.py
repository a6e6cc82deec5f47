import os
from pathlib import Path
from typing import Any

import pytest

from hmnist.cli.names import split_names
from hmnist.cli.options import SETTINGS, only_given
from hmnist.cli.settings import read_settings
from hmnist.errors import UsageError
from tests.conftest import Command


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "hmnist.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_settings_are_texts_as_on_the_command_line(tmp_path: Path) -> None:
    path = write(tmp_path, 'effort = "quick"\nseeds = 3\nquiet = true\nsensitivity = 0.95\n')
    assert read_settings(path) == {
        "effort": "quick",
        "seeds": "3",
        "quiet": "True",
        "sensitivity": "0.95",
    }


def test_hyphens_are_as_good_as_underscores(tmp_path: Path) -> None:
    path = write(tmp_path, 'rare-to = 500\n"split_file" = "mine.csv"\n')
    assert read_settings(path) == {"rare_to": "500", "split_file": "mine.csv"}


def test_the_file_is_looked_for_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_settings() == {}
    write(tmp_path, "folds = 5")
    assert read_settings() == {"folds": "5"}


def test_no_file_and_an_empty_one_set_nothing(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "none.toml") == {}
    assert read_settings(write(tmp_path, "")) == {}


@pytest.mark.parametrize(
    "text",
    [
        "seeds = ",
        "seeds: 3",
        "seeds = 3\nseeds = 4",
        b"effort = '\xff'",
        "effort = 'quick'".encode("utf-16"),
        "seeds = " + "9" * 5000,
        "seeds = " + "[" * 5000 + "]" * 5000,
        "seeds = " + "{a=" * 2000 + "1" + "}" * 2000,
        "effort = '\0'",
        "seeds." + "a." * 2000 + "a = 1",
        "set.mlp." + "a." * 2000 + "a = 1",
    ],
    ids=lambda text: text[:12],
)
def test_what_is_no_toml_is_refused(tmp_path: Path, text: str | bytes) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UsageError, match=r"hmnist\.toml cannot be read") as caught:
        read_settings(path)
    assert str(path) in caught.value.message


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        read_settings(tmp_path)
    os.mkfifo(tmp_path / "hmnist.toml")
    with pytest.raises(UsageError, match="a device or a pipe"):
        read_settings(tmp_path / "hmnist.toml")


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "hmnist.toml"
    with path.open("wb") as file:
        file.truncate(2**40)  # a file of zeros that takes no space
    with pytest.raises(UsageError, match="more than 16,384 bytes"):
        read_settings(path)


def test_a_zero_byte_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hmnist.toml").write_text('metadata = "a\\u0000b.csv"')
    with pytest.raises(UsageError, match="sets metadata to a text with a zero byte"):
        read_settings(tmp_path / "hmnist.toml")


@pytest.mark.parametrize(
    "text",
    [
        "seeds = {a = 1}",
        "seeds = 1979-05-27",
        "models = [['cnn'], ['mlp']]",
        "models = [{cnn = 1}]",
        "[seeds]\ncnn = 3",
    ],
)
def test_what_no_command_line_can_say_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="which is not an option's value") as caught:
        read_settings(write(tmp_path, text))
    assert "a list of them" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    ["seed = 3.7", "seed = inf", "seed = nan", "seed = -1", "seed = []", "quiet = 'perhaps'",
     "seed = 1e300", "effort = 3", "effort = []", "seed = 0x7fffffffffffffff", "seed = true",
     "set.mlp.epochs = 1979-05-27", "set = 3", "set.mlp = 3", "set.mlp.epochs = inf"],
)  # fmt: skip
def test_absurd_values_are_wrong_usage(tmp_path: Path, command: Command, text: str) -> None:
    write(tmp_path, text)
    done = command("train", "mlp", "sample")
    assert done.code == 2
    assert done.out == ""
    assert "Error" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("text", ["models = true", "models = ''", "seeds = []"])
def test_absurd_values_of_a_benchmark_are_wrong_usage(
    tmp_path: Path, command: Command, text: str
) -> None:
    write(tmp_path, text)
    assert command("benchmark", "sample").code == 2


@pytest.mark.parametrize("text", ["sedes = 3", "[benchmark]\nseeds = 3", "data = 'x.csv'"])
def test_what_is_no_option_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="which is not an option") as caught:
        read_settings(write(tmp_path, text))
    assert "seeds" in caught.value.hint


def test_every_setting_is_an_option_of_a_command() -> None:
    from typer.main import get_command

    from hmnist.cli.commands import app

    def names_of(command: Any) -> set[str]:
        inner = getattr(command, "commands", {}).values()
        return {each.name for each in command.params}.union(*map(names_of, inner))

    assert names_of(get_command(app)) >= SETTINGS


def test_lists_may_be_lists(tmp_path: Path) -> None:
    (tmp_path / "hmnist.toml").write_text('models = ["cnn", "mlp"]\nseeds = 3\n')
    assert read_settings(tmp_path / "hmnist.toml") == {"models": "cnn,mlp", "seeds": "3"}


def test_options_are_split_at_commas_and_left_out_where_not_given() -> None:
    assert split_names("cnn, mlp") == ["cnn", "mlp"]
    assert only_given(seeds=3, jobs=None) == {"seeds": 3}
