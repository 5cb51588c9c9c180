"""docs/reference/customer-order.md#status-words: a cancellation is not lost by its spelling, on any way in."""

import json
import pathlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.documents.status_words import WORDS, is_cancelled, is_ended, is_fulfilled, nearly
from orders.models import Order, OrderEvent
from tests.bodies import body
from tests.orders.test_api_checks import problem

ORDER = "/api/v1/business-units/store-1/customer-orders/1001"
LOAD = "/api/v1/customer-orders:load"
ROOT = pathlib.Path(__file__).parents[2]

NEARLY = {
    "CANCELLED": [
        "CANCELED",
        "Cancelled",
        "cancelled",
        "Canceled",
        "CANCELLED ",
        "CAN CELLED",
        "CANCELLD",
        "CNACELLED",
    ],
    "FULFILLED": ["FULLFILLED", "FULFILED", "fulfilled", "Ful-filled", "FULFILLES"],
    "IN_PROGRESS": ["IN PROGRESS", "in-progress", "INPROGRESS", "In_Progres"],
    "CREATED": ["created", "CRAETED", "CREATE", "CREATEDD", "\u0421REATED"],
}
UNLIKE = ["DELETED", "CANCEL", "PACKED", "NEW", "SENT", "ANNULLERET", "DONE", "X", "", "FILLED", "CANCELLATION"]


@pytest.mark.parametrize(("word", "slip"), [(word, slip) for word, slips in NEARLY.items() for slip in slips])
def test_a_word_that_is_spelt_otherwise_or_one_slip_away_is_nearly_that_word(word, slip):
    assert nearly(slip) == word


@pytest.mark.parametrize("word", [*WORDS, *UNLIKE])
def test_a_known_word_and_one_that_is_unlike_them_are_nearly_none(word):
    assert nearly(word) is None


@given(st.sampled_from(WORDS), st.data())
def test_every_single_slip_of_a_letter_is_noticed(word, data):
    at = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.characters(categories=["Lu"]))
    swapped = word[:at] + word[at : at + 2][::-1] + word[at + 2 :]
    for slip in (
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at + 1 :],
        word[:at] + letter + word[at:],
        swapped,
    ):
        assert slip in WORDS or nearly(slip) in WORDS


def test_only_one_word_cancels_and_two_end_an_order():
    assert [word for word in (*WORDS, *UNLIKE) if is_cancelled(word)] == ["CANCELLED"]
    assert [word for word in (*WORDS, *UNLIKE) if is_fulfilled(word)] == ["FULFILLED"]
    assert [word for word in (*WORDS, *UNLIKE) if is_ended(word)] == ["CANCELLED", "FULFILLED"]


def test_no_other_module_of_the_hub_knows_the_words():
    """What decides about a cancellation in a second place would not hear of the first one's change."""
    word = re.compile(r"""["'](?:CANCELLED|FULFILLED)["']""")
    places = [
        str(path.relative_to(ROOT))
        for app in ("orders", "suppliers", "orderflow", "proxy")
        for path in (ROOT / app).rglob("*.py")
        if word.search(path.read_text()) and "simulator" not in str(path)
    ]
    assert places == ["orders/documents/status_words.py"]


@pytest.mark.django_db
@pytest.mark.both
@pytest.mark.parametrize("slip", ["CANCELED", "Cancelled", "FULLFILLED"])
def test_a_put_with_a_misspelt_status_is_refused_and_named_the_word(api, slip):
    answer = problem(api.put(ORDER, body(status=slip)), "invalid-body", 400)
    (fault,) = answer["errors"]
    assert fault["pointer"] == "/customerOrder/status"
    assert f"Send {nearly(slip)};" in fault["detail"]
    assert "status_map" in fault["detail"]
    assert not OrderEvent.objects.exists()


@pytest.mark.django_db
def test_a_misspelt_status_is_named_beside_the_other_faults(api):
    given = json.loads(body(status="CANCELED"))
    del given["customerOrder"]["items"]
    answer = problem(api.put(ORDER, given), "invalid-body", 400)
    assert {fault["pointer"] for fault in answer["errors"]} == {"/customerOrder/status", "/customerOrder/items"}


@pytest.mark.django_db
def test_a_line_of_a_load_is_judged_as_a_put(api):
    lines = [
        json.dumps({"businessUnitId": "store-1", **json.loads(body(str(number), status=status))})
        for number, status in enumerate(["Cancelled", "CANCELLED", "DELETED"])
    ]
    answer = api.post(LOAD, "\n".join(lines).encode(), content_type="application/x-ndjson")
    assert [json.loads(line)["status"] for line in answer.content.splitlines()] == [400, 202, 202]


@pytest.mark.django_db
def test_a_word_of_the_tenants_own_is_judged_by_what_the_map_makes_of_it(api, acme, apply_all):
    acme.status_map = {"Cancelled": "CANCELLED", "GONE": "CANCELED", "PACKED": "PACKED"}
    acme.save()
    answer = api.put(ORDER, body(status="Cancelled"))
    assert (answer.status_code, json.loads(answer.content)["warnings"]) == (202, [])
    apply_all()
    assert is_cancelled(Order.objects.get().status)
    assert json.loads(api.put(ORDER, body(status="PACKED")).content)["warnings"] == []
    problem(api.put(ORDER, body(status="GONE")), "invalid-body", 400)


@pytest.mark.django_db
def test_an_unknown_word_is_taken_with_a_warning_that_it_cancels_nothing(api, apply_all):
    answer = api.put(ORDER, body(status="DELETED"))
    (warning,) = json.loads(answer.content)["warnings"]
    assert warning["pointer"] == "/customerOrder/status"
    assert "'DELETED'" in warning["detail"]
    assert "neither cancels nor ends" in warning["detail"]
    apply_all()
    assert Order.objects.get().status == "DELETED"


@pytest.mark.django_db
def test_an_event_accepted_before_the_words_were_judged_is_still_applied(api, apply_all):
    api.put(ORDER, body())
    OrderEvent.objects.update(payload=body(status="Canceled").decode())
    apply_all()
    assert (OrderEvent.objects.get().status, Order.objects.get().status) == ("applied", "Canceled")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("quantity", "is_warned"),
    [("1", False), ("2.0", False), ("1e2", False), ("1.5", True), ("0", True), ("-2", True), ("0." + "3" * 30, True)],
)
def test_a_quantity_that_no_warehouse_takes_is_warned_about_when_it_arrives(api, quantity, is_warned):
    text = body().replace(b'"quantityOrdered": 2', f'"quantityOrdered": {quantity}'.encode())
    answer = api.put(ORDER, text)
    assert answer.status_code == 202
    pointers = [one["pointer"] for one in json.loads(answer.content)["warnings"]]
    assert pointers == (["/customerOrder/items/0/quantityOrdered"] if is_warned else [])


@pytest.mark.django_db
def test_an_answer_lists_a_hundred_warnings_and_counts_the_rest(api):
    given = json.loads(body(quantity=0))
    given["customerOrder"]["items"] *= 2_000
    warnings = json.loads(api.put(ORDER, given).content)["warnings"]
    assert (len(warnings), warnings[-1]["detail"]) == (101, "1,900 more, not listed")


@pytest.mark.django_db
def test_an_order_is_taken_and_applied_without_its_unknown_members(api, apply_all):
    given = json.loads(body())
    given["customerOrder"] |= {"promiseDate": "soon"}
    answer = api.put(ORDER, given)
    assert [one["pointer"] for one in json.loads(answer.content)["warnings"]] == ["/customerOrder/promiseDate"]
    apply_all()
    assert "promiseDate" not in Order.objects.get().document
    assert "promiseDate" in OrderEvent.objects.get().payload
