import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmnist.errors import DataError, DataMissingError, UsageError
from hmnist.splits.split_file import read_split_file, read_split_rows

IDS = np.array(["I_1", "I_2", "I_3"])

PARTS = ["train", "validation", "test"]


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "mine.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


# Reading


@pytest.mark.parametrize(
    "text",
    [
        "image_id,part\nI_1,train\nI_2,validation\nI_3,test\n",
        "image_id,part\nI_3,test\nI_1,train\nI_2,val",
        "row,part\n0,train\n1,val\n2,test\n",
        "part,note,row\ntrain,a,0\ntest,,2\nval,b,1\n",
        "image_id , part\r\n I_1, train \r\nI_2,val\r\nI_3,test\r\n",
        'image_id,part\n"I_1","train"\n\n  \nI_2,val\nI_3,test\n\n\n',
        "\ufeffimage_id,part\nI_1,train\nI_2,val\nI_3,test\n",
        "row,image_id,part\n9,I_1,train\n9,I_2,val\n9,I_3,test\n",
    ],
    ids=["ids", "order", "rows", "columns", "spaces", "quotes and gaps", "mark", "ids win"],
)
def test_a_part_for_each_image(tmp_path: Path, text: str) -> None:
    parts = read_split_file(write(tmp_path, text), 3, IDS)
    assert parts.tolist() == PARTS


def test_rows_need_no_ids(tmp_path: Path) -> None:
    path = write(tmp_path, "row,part\n1,test\n0,train\n")
    assert read_split_file(path, 2, None).tolist() == ["train", "test"]


def test_images_may_be_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, "image_id,part\nI_3,train\n")
    assert read_split_file(path, 3, IDS).tolist() == ["", "", "train"]


@settings(max_examples=40, deadline=None)
@given(
    parts=st.lists(st.sampled_from([*PARTS, ""]), min_size=1, max_size=20),
    seed=st.integers(0, 99),
    by_row=st.booleans(),
)
def test_a_written_split_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], seed: int, *, by_row: bool
) -> None:
    ids = np.array([f"I_{number * 7 % 23}" for number in range(len(parts))])
    names = range(len(parts)) if by_row else ids
    lines = [f"{name},{part}" for name, part in zip(names, parts, strict=True) if part]
    shuffled = np.random.default_rng(seed).permutation(lines) if lines else lines
    text = "\n".join(["row,part" if by_row else "image_id,part", *shuffled])
    path = write(tmp_path_factory.getbasetemp(), text)
    assert read_split_file(path, len(parts), ids).tolist() == parts


# Refusing


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image_id,part\nI_1,train\nI_9,test\n", "line 3, column image_id: found 'I_9'.*an image"),
        ("image_id,part\n\nI_1,train\n\nI_9,test\n", "line 5, column image_id: found 'I_9'"),
        (
            'image_id,part,note\nI_1,train,"a\nb"\nI_9,test,\n',
            "line 4, column image_id: found 'I_9'",
        ),
        ("image_id,part\nI_1,train\n,test\n", "line 3, column image_id: found ''"),
        ("image_id,part\nI_1,training\n", "line 2, column part: found 'training'.*one of train"),
        ("image_id,part\nI_1,Train\n", "line 2, column part: found 'Train'"),
        ("image_id,part\nI_1,\n", "line 2, column part: found ''"),
        ("image_id,part\nI_1,train\nI_1,train\n", "line 3.*'I_1'.*once, and line 2"),
        ("row,part\n0,train\n1,test\n0,test\n", "line 4.*'0'.*once, and line 2"),
        ("row,part\n3,train\n", "line 2, column row: found '3'.*from 0 to 2"),
        ("row,part\n-1,train\n", "line 2, column row: found '-1'.*from 0 to 2"),
        ("row,part\n0.5,train\n", "line 2, column row: found '0.5'"),
        ("row,part\n1e0,train\n", "line 2, column row: found '1e0'"),
        ("row,part\ninf,train\n", "line 2, column row: found 'inf'"),
        ("row,part\n00,train\n0,test\n", "line 2, column row: found '00'"),
        ("image_id,part\nI_1\n", "line 2 has 1 cells where the header has 2"),
        ("image_id,part\nI_1,train,\nI_2,test,\n", "line 2 has 3 cells where the header has 2"),
        ("image_id;part\nI_1;train\n", "has the columns image_id;part; expected"),
        ("image_id,fold\nI_1,train\n", "has the columns image_id, fold; expected"),
        ("part\ntrain\n", "has the columns part; expected"),
        ("", "has the columns of an empty file; expected"),
        ("\n\n", "has the columns of an empty file; expected"),
        (b"image_id,part\nI_\xff,train\n", "is not UTF-8"),
        ("image_id,part\n".encode("utf-16"), "is not UTF-8"),
        ('image_id,part\n"I_1,train\n', "line 2 is not CSV"),
        ("image_id,part\nI_\0,train\n", "line 2 is not CSV: .* zero bytes"),
        ("image_id,part\n" + "a" * 70_000, "line 2 is not CSV: .* 65,536 characters"),
        ("image_id,part,part\nI_1,train,test\n", "more than one column 'part'"),
    ],
)
def test_a_malformed_file_is_a_sentence(tmp_path: Path, text: str | bytes, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(DataError, match=message) as caught:
        read_split_file(path, 3, IDS)
    assert caught.value.message.startswith(str(path))
    assert caught.value.hint


def test_a_missing_file_is_exit_code_3(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match=r"mine\.csv does not exist") as caught:
        read_split_file(tmp_path / "mine.csv", 3, IDS)
    assert caught.value.exit_code == 3


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder"):
        read_split_file(tmp_path, 3, IDS)
    os.mkfifo(tmp_path / "mine.csv")
    with pytest.raises(DataError, match="a device or a pipe"):
        read_split_file(tmp_path / "mine.csv", 3, IDS)


def test_ids_that_are_unknown_cannot_be_looked_up(tmp_path: Path) -> None:
    path = write(tmp_path, "image_id,part\nI_1,train\n")
    with pytest.raises(UsageError, match="ids are unknown") as caught:
        read_split_file(path, 3, None)
    assert "--metadata" in caught.value.hint
    assert caught.value.exit_code == 2


# Any split


def test_images_may_be_named_again_where_checks_look(tmp_path: Path) -> None:
    path = write(tmp_path, "image_id,part\nI_3,train\nI_3,train\nI_1,val\nI_3,test\n")
    with pytest.raises(DataError, match="each image once"):
        read_split_file(path, 3, IDS)
    rows = read_split_rows(path, 3, IDS)
    assert {part: of_part.tolist() for part, of_part in rows.items()} == {
        "train": [2, 2],
        "validation": [0],
        "test": [2],
    }
    assert {of_part.dtype for of_part in rows.values()} == {np.dtype(np.int64)}


@pytest.mark.parametrize("line", ["I_9,test", "I_1,tset", "I_1"])
def test_other_mistakes_are_refused_there_too(tmp_path: Path, line: str) -> None:
    path = write(tmp_path, f"image_id,part\nI_2,train\n{line}\n")
    with pytest.raises(DataError, match="line 3"):
        read_split_rows(path, 3, IDS)
    with pytest.raises(UsageError, match="ids are unknown"):
        read_split_rows(write(tmp_path, "image_id,part\nI_1,test\n"), 3, None)


def test_a_part_that_no_line_names_is_empty(tmp_path: Path) -> None:
    rows = read_split_rows(write(tmp_path, "row,part\n1,test\n"), 3, None)
    assert [len(rows[part]) for part in PARTS] == [0, 0, 1]
