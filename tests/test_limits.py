"""The page of limits names the place and the test of each, and both are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = re.findall(
    r"^\| [^|]+ \| [^|]+ \| `([^`]+)` \| `([^`:]+)::(\w+)` \|$", (ROOT / "docs/reference/limits.md").read_text(), re.M
)


@pytest.mark.parametrize(("place", "file", "name"), ROWS, ids=[name for _, _, name in ROWS])
def test_the_place_and_the_test_of_a_limit_exist(place, file, name):
    assert (ROOT / place).is_file()
    assert re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.M)


def test_each_line_of_the_table_is_read():
    lines = [line for line in (ROOT / "docs/reference/limits.md").read_text().splitlines() if line.startswith("| ")]
    assert len(ROWS) == len(lines) - 1
