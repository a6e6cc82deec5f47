"""Damaging text: tables in CSV, and settings in TOML."""

from collections.abc import Callable
from random import Random

CELLS = (
    "", " ", "-1", "0", "3", "255", "256", "1e2", "1e400", " 7", "7 ", "007", "12.5", "12.0", "NaN",
    "nan", "inf", "-inf", "9" * 400, '"5"', '"', '""', '"5', "5;6", "\0", "é", "Ⅴ", "१", "1_0",
    "+5", "0x10", "True", "None", "NA", "nv", "mel", "NV", "test", "val", "train", "ISIC_1", "x",
    "x" * 200_000, "1,2", "a\nb", '"a\nb"', "=1+1", "\x1a", "\ufeff",
)  # fmt: skip
"""What a cell may contain in a table that was saved, edited or sent by somebody."""

Table = list[list[str]]


def damage_csv(content: bytes, random: Random) -> bytes:
    """Change cells, columns or rows of a table, or how it is written."""
    table = [line.split(",") for line in content.decode().splitlines()]
    for _ in range(random.choice((1, 1, 1, 2))):
        random.choice(_TABLE)(table, random)
    text = "\n".join(map(",".join, table)) + "\n"
    if random.random() < 0.7:
        return text.encode("utf-8", "surrogatepass")
    return random.choice(_WRITINGS)(text)


def _cell(table: Table, random: Random) -> None:
    row = random.choice(table or [[]])
    if row:
        row[random.randrange(len(row))] = random.choice(CELLS)


def _number(table: Table, random: Random) -> None:
    """Give a cell the text of another number."""
    row = random.choice(table or [[]])
    if row:
        row[random.randrange(len(row))] = str(random.choice((0, 1, 6, 7, 99, 255, 256, -1, 10**9)))


def _header(table: Table, random: Random) -> None:
    if table and table[0]:
        place = random.randrange(len(table[0]))
        name = table[0][place]
        others = (name.upper(), f" {name}", name + name, random.choice(table[0]), "", "Unnamed: 0")
        table[0][place] = random.choice(others)


def _column(table: Table, random: Random) -> None:
    width = min(map(len, table), default=0)
    if not width:
        return
    first, second = random.randrange(width), random.randrange(width)
    whole = random.random() < 0.8  # else the header stays as it is
    kind = random.randrange(5)
    for number, row in enumerate(table if whole else table[1:]):
        match kind:
            case 0:
                del row[first]
            case 1:
                row.insert(second, row[first])
            case 2:
                row[first], row[second] = row[second], row[first]
            case 3:
                row.append("")
            case _:
                row.insert(0, str(number - 1) if number else "")


def _row(table: Table, random: Random) -> None:
    if not table:
        return
    first, second = random.randrange(len(table)), random.randrange(len(table))
    match random.randrange(7):
        case 0:
            del table[first]
        case 1:
            table.insert(second, list(table[first]))
        case 2:
            table[first], table[second] = table[second], table[first]
        case 3:
            table.insert(first, [random.choice(("", " ", "," * 5, "#", "sep=,", "\x1a"))])
        case 4:
            table[first] = table[first][: random.randrange(len(table[first]) + 1)]
        case 5:
            table[first].append(random.choice(CELLS))
        case _:
            table.extend([list(table[-1])] * random.choice((1, 5, 300)))


_TABLE = (_cell, _cell, _number, _number, _header, _column, _row)

_WRITINGS: tuple[Callable[[str], bytes], ...] = (
    lambda text: text.replace("\n", "\r\n").encode("utf-8", "replace"),
    lambda text: text.replace("\n", "\r").encode("utf-8", "replace"),
    lambda text: text.replace("\n", "\r\n", 3).encode("utf-8", "replace"),
    lambda text: text.replace("\n", "\n\n").encode("utf-8", "replace"),
    lambda text: text.replace("\n", ",\n").encode("utf-8", "replace"),
    lambda text: text.replace(",", ";").encode("utf-8", "replace"),
    lambda text: text.replace(",", "\t").encode("utf-8", "replace"),
    lambda text: text.replace(",", ", ").encode("utf-8", "replace"),
    lambda text: text.replace(",", '","').replace("\n", '"\n"').encode("utf-8", "replace"),
    lambda text: ("sep=,\n" + text).encode("utf-8", "replace"),
    lambda text: (text + "\x1a").encode("utf-8", "replace"),
    lambda text: text.rstrip("\n").encode("utf-8", "replace"),
    lambda text: text.encode("utf-8-sig", "replace"),
    lambda text: text.encode("utf-16", "replace"),
    lambda text: text.encode("utf-32", "replace"),
    lambda text: (text + "é").encode("latin-1", "replace"),
    lambda text: text.partition("\n")[2].encode("utf-8", "replace"),
)
"""Line ends, separators, quotes, encodings; the last has no header."""

VALUES = (
    "true", "false", "0", "-1", "3", "1000000000", "9" * 300, "1.5", "inf", "nan", '""', '"x"',
    '"quick"', '"yes"', '"auto"', '"\\u0000"', f'"{"x" * 5000}"', "[]", "[[1]]", '["df", "vasc"]',
    "[1, 2]", "{}", "{a = 1}", "{a = {b = {c = 1}}}", "1979-05-27", "1979-05-27T07:32:00Z",
    "07:32:00", "[" * 3000 + "]" * 3000, "'x'", "'../x'", '"none"', "0x10", "1_000", "= 1", "",
)  # fmt: skip
"""Values of settings as the text of TOML."""


def damage_toml(content: bytes, random: Random) -> bytes:
    """Change, remove, repeat or add settings."""
    lines = content.decode().splitlines()
    for _ in range(random.choice((1, 1, 2))):
        place = random.randrange(len(lines))
        name = lines[place].partition("=")[0].strip()
        match random.randrange(6):
            case 0:
                del lines[place]
            case 1:
                lines.insert(place, lines[place])
            case 2:
                odd = random.choice(("x", "sed", "set.cnn.epochs", '"a b"', "é", "", name.upper()))
                lines[place] = f"{odd} = {random.choice(VALUES)}"
            case 3:
                lines.insert(place, random.choice(("[set]", "[set.cnn]", "[[set]]", "[a.b]", "[")))
            case _:
                lines[place] = f"{name} = {random.choice(VALUES)}"
        lines = lines or [""]
    text = "\n".join(lines)
    return text.encode(random.choice(("utf-8", "utf-8", "utf-8", "utf-16", "utf-8-sig")))
