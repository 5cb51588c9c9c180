"""docs/guides/external-service.md says what is so: its examples keep the contract, its faults are the mock OMS's."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from orders.documents import check_answer, check_search_answer
from orders.simulators.faults import Fault
from proxy.bodies import config_of
from proxy.simulator.server import MockOms, fault_named_by

DOC = (Path(__file__).parents[2] / "docs/guides/external-service.md").read_text()
KNOWN = MockOms().faults.known
ROWS = re.findall(r"^\| .+? \| (`.+?`) \| (`fault-.+?`) \|$", DOC, re.MULTILINE)
FAULTS = [
    pair for words, ids in ROWS for pair in zip(*(cell.strip("`").split("` · `") for cell in (words, ids)), strict=True)
]


def test_the_examples_keep_the_contract():
    order, found = re.findall(r"```json\n(.*?)```", DOC, re.DOTALL)
    assert (check_answer(order.encode()).mismatches, check_answer(order.encode()).dropped) == ((), ())
    assert check_search_answer(found.encode()).mismatches == ()
    bodies = re.findall(r'^{"type".*}$', DOC, re.MULTILINE)
    assert [config_of(json.loads(body)).type for body in bodies] == ["basic", "oauth2"]


def test_every_kind_of_fault_is_described():
    words = {next(iter(Fault.from_text(header, known=KNOWN).words)) for header, _ in FAULTS}
    assert words >= {"delay", "status", "malformed", "missing", "wrong-type", "drip", "drop", "expired-token"}


@pytest.mark.parametrize(("header", "order_id"), FAULTS)
def test_a_fault_by_order_id_is_the_same_as_by_header(header, order_id):
    assert fault_named_by(order_id, known=KNOWN) == Fault.from_text(header, known=KNOWN)
