"""``manage.py proxy conformance`` passes the mock OMS and finds each way in which a service breaks the contract."""

from __future__ import annotations

import re

import pytest
from django.conf import settings as hub
from django.core.management import CommandError, call_command

from proxy.simulator import server
from tests.proxy.conftest import ORDER

pytestmark = pytest.mark.django_db


def conformance(capsys, oms, *arguments, login=("--username", "u", "--password", "p")):
    """The report as {check: (verdict, detail)}, and the exit code."""
    code = 0
    try:
        call_command("proxy", "conformance", oms.api_url, *login, *arguments)
    except SystemExit as ended:
        code = ended.code
    *lines, blank, verdict = capsys.readouterr().out.splitlines()
    assert blank == ""
    assert ("does NOT keep" in verdict) == bool(code)
    found = [re.fullmatch(r"(\S+) +(\S.*?) +(\d+) ms  (.*)", line).groups() for line in lines]
    return {check: (verdict, detail) for verdict, check, _, detail in found}, code


CHECKS = [
    "resolve", "connect", "search: everything", "search: one order", "search: nothing found", "read: an order",
    "search: by customerId", "search: by status", "search: by itemId", "search: criteria together",
    "search: by placedFrom, placedTo", "search: by updatedFrom, updatedTo", "search: newest first",
    "read: unknown order", "login: none", "login: wrong Basic", "login: wrong token",
    "search login: none", "search login: wrong Basic", "search login: wrong token",
]  # fmt: skip


def test_the_mock_oms_keeps_the_whole_contract(oms, capsys):
    oms.add_order("store-1", ORDER)
    report, code = conformance(capsys, oms)
    assert ({check: verdict for check, (verdict, _) in report.items()}, code) == (dict.fromkeys(CHECKS, "ok"), 0)
    oauth2 = ("--client-id", "hub", "--client-secret", "se+cr%t", "--auth-url", oms.token_url)
    report, code = conformance(capsys, oms, login=oauth2)
    assert (list(report), code) == ([*CHECKS[:2], "token", *CHECKS[2:]], 0)


def test_it_reaches_loopback_without_changing_what_the_hub_may_reach(oms, capsys, settings):
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS, settings.HUB_OUTBOUND_ALLOW_HTTP = [], False
    oms.add_order("store-1", ORDER)
    assert conformance(capsys, oms)[1] == 0
    assert (hub.HUB_OUTBOUND_ALLOWED_NETWORKS, hub.HUB_OUTBOUND_ALLOW_HTTP) == ([], False)


@pytest.mark.parametrize(
    ("fault", "on", "check", "told"),
    [
        ({"missing": "status"}, "GET ", "read: an order", "/customerOrder/status: A required member is missing"),
        ({"wrong_type": "customerId"}, "GET ", "read: an order", "/customerOrder/customerId: Expected a string"),
        ({"wrong_id": True}, "GET ", "read: an order", "1001 was asked for, another-order was answered"),
        ({"html": True}, "GET ", "read: an order", "not application/json"),
        ({"status": 500}, "GET ", "read: an order", "Answered 500; 200 is right"),
        ({"drop": True}, ":search", "search: nothing found", "closed the connection"),
        ({"wrong_type": "status"}, ":search", "search: everything", "/customerOrders/0/status"),
        ({"status": 200}, "GET ", "login: none", "401 is right"),
        ({"status": 400}, "GET ", "read: unknown order", "404 is right"),
    ],
)  # fmt: skip
def test_each_break_is_named(oms, capsys, fault, on, check, told):
    oms.add_order("store-1", ORDER)
    oms.fail(times=None, on=on, **fault)
    report, code = conformance(capsys, oms, "--order", "1001")
    assert code == 1
    assert report[check][0] == "FAILED"
    assert told in report[check][1]


def test_a_search_that_ignores_its_criteria_is_found(oms, capsys):
    oms.add_order("store-1", ORDER)
    oms.fail(times=None, on=":search", body='{"customerOrders": [{"customerOrderId": "7", "customerId": "c", '
                                            '"status": "NEW"}]}')  # fmt: skip
    report, _ = conformance(capsys, oms, "--order", "1001")
    assert "must find that order and no other" in report["search: one order"][1]
    assert "criteria are joined by AND" in report["search: nothing found"][1]


IGNORING = {
    "customerId": ["search: by customerId"],
    "status": ["search: by status"],
    "itemId": ["search: by itemId"],
    "placedFrom": ["search: by placedFrom, placedTo"],
    "placedTo": ["search: by placedFrom, placedTo"],
    "updatedFrom": ["search: by updatedFrom, updatedTo"],
    "updatedTo": ["search: by updatedFrom, updatedTo"],
    "customerOrderId": [
        "search: one order", "search: nothing found", "search: criteria together",
    ],
}  # fmt: skip
"""The checks that a service fails which ignores a criterion."""


@pytest.mark.parametrize("ignored", IGNORING)
def test_a_service_that_ignores_one_criterion_is_found(oms, capsys, monkeypatch, ignored):
    placed = "2026-11-20T08:00:00Z"
    oms.add_order("store-1", {**ORDER, "placedDateTime": placed})
    other = {**ORDER, "customerOrderId": "2", "customerId": "c-2", "status": "X", "placedDateTime": placed}
    oms.add_order("store-1", other | {"items": [{"itemId": "Z", "quantityOrdered": 1, "unitPrice": 1}]})
    plain = server.matches
    monkeypatch.setattr(server, "matches", lambda kept, given: plain(kept, {**given, ignored: None}))
    report, code = conformance(capsys, oms, "--order", "1001")
    assert [check for check, (verdict, _) in report.items() if verdict == "FAILED"] == IGNORING[ignored]
    assert code == 1


def test_a_bound_that_is_the_wrong_way_round_is_found(oms, capsys, monkeypatch):
    oms.add_order("store-1", {**ORDER, "placedDateTime": "2026-11-20T08:00:00Z"})
    between = server._between
    monkeypatch.setattr(server, "_between", lambda moment, *, low, high: between(moment, low=high, high=low))
    report, _ = conformance(capsys, oms, "--order", "1001")
    assert "must find it; it did not" in report["search: by placedFrom, placedTo"][1]


def test_orders_that_come_oldest_first_are_advice(oms, capsys):
    for number, day in (("1", 21), ("2", 20)):
        oms.add_order("store-1", {**ORDER, "customerOrderId": number, "placedDateTime": f"2026-11-{day}T08:00:00Z"})
    report, code = conformance(capsys, oms)
    assert (report["search: newest first"][0], code) == ("advice", 0)


def test_a_search_without_a_login_is_found(oms, capsys):
    oms.add_order("store-1", ORDER)
    oms.fail(times=None, on=":search", status=200)
    report, _ = conformance(capsys, oms, "--order", "1001")
    assert report["search login: none"] == ("FAILED", "Answered 200 without a valid login; 401 is right")


def test_unknown_members_and_an_empty_unit_are_advice(oms, capsys):
    oms.add_order("store-1", ORDER)
    oms.fail(times=None, on="GET ", unknown_member=True)
    report, code = conformance(capsys, oms)
    assert (report["read: an order"][0], code) == ("advice", 0)
    assert "/customerOrder/unknownMember" in report["read: an order"][1]
    report, code = conformance(capsys, oms, "--unit", "empty")
    assert (report["search: everything"][0], "read: an order" in report, code) == ("advice", False, 0)


def test_a_service_that_is_not_there_ends_the_run(oms, capsys):
    oms.stop()
    report, code = conformance(capsys, oms)
    assert ([verdict for verdict, _ in report.values()], code) == (["ok", "FAILED"], 1)


def test_the_secret_may_come_from_the_environment(oms, capsys, monkeypatch):
    monkeypatch.setenv("OMS_SECRET", "p")
    assert conformance(capsys, oms, login=("--username", "u"))[1] == 0
    with pytest.raises(CommandError, match="either --username"):
        call_command("proxy", "conformance", oms.api_url)
