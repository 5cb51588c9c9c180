from pathlib import Path

import pytest

from tests.scheduling import FIRST, TOGETHER, piece_of

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("test_id", "piece"),
    [
        ("tests/chaos/test_hosts.py::test_one", "tests/chaos/"),
        ("tests/pages/test_moving.py::test_one[a]", "tests/pages/test_moving.py"),
        ("tests/orders/test_home.py::test_one", "tests/orders/test_home.py::test_one"),
    ],
)
def test_only_what_shares_servers_or_a_browser_is_one_piece_of_work(test_id, piece):
    assert piece_of(test_id) == piece


def test_the_places_are_there():
    assert [place for place in {*TOGETHER, *FIRST} if not (ROOT / place).exists()] == []


def test_the_plan_is_in_use(request):
    assert request.config.pluginmanager.hasplugin("tests.scheduling")
    order = [test.nodeid.startswith(FIRST) for test in request.session.items]
    assert order == sorted(order, reverse=True)


def test_nobody_relies_on_a_mark_that_does_nothing():
    """Name the file in TOGETHER instead."""
    tests = [path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)]
    assert [path.name for path in tests if "mark.xdist_group" in path.read_text()] == []
