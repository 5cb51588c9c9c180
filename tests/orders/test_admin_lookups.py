"""A list answers to its declared filters and to no other lookup; an id or a number that cannot be is no failure."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.urls import reverse
from django.utils.http import urlencode

from orders.access.staff import SUPPORT, give_role
from orders.admin import lookups
from orders.models import ApiClient, OrderEvent

pytestmark = pytest.mark.django_db

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
EVERY_ADMIN = pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
GUESSES = (
    "regex", "iregex", "startswith", "istartswith", "endswith", "iendswith", "contains", "icontains",
    "iexact", "in", "range", "gt", "gte", "lt", "lte", "year",
)  # fmt: skip
NO_IDS = ("abc", "9" * 30, "01a224d3-5a6d-7b13", "²", "_00", "msg_01a224c7839c71bc8f282432b121df22")
NO_NUMBERS = ("²", "\x00", "-1", "9" * 5000, "(")


def page(model, name="changelist"):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}")


def columns(model):
    return [field.name for field in model._meta.get_fields() if field.concrete]


@pytest.fixture
def request_of_root(root):
    request = RequestFactory().get("/admin/")
    request.user = User.objects.get(username="root")
    return request


def tellable(request, model):
    """The lookups that the list's own filters read, as Django itself built them."""
    its = admin.site._registry[model]
    built = its.get_changelist_instance(request).get_filters(request)[0]
    return {name for one in built for name in one.expected_parameters()}


def lenient(client):
    client.raise_request_exception = False
    return client


@pytest.fixture
def support(client, furnished):
    client.force_login(give_role("sue", role=SUPPORT, password="pass-of-sue-1").user)
    return client


@EVERY_ADMIN
def test_no_column_can_be_asked_for_by_pattern_or_order(model, request_of_root):
    its = admin.site._registry[model]
    allowed = [
        f"{column}__{guess}"
        for column in columns(model)
        for guess in GUESSES
        if its.lookup_allowed(f"{column}__{guess}", "a", request_of_root)
    ]
    assert allowed == (["id__gte"] if model is OrderEvent else [])


@pytest.mark.parametrize("column", ["client_secret", "previous_client_secret", "public_keys"])
@pytest.mark.parametrize("form", ["", "__exact", "__isnull", "__regex", "__startswith", "__gte", "__length"])
def test_a_secret_of_a_client_cannot_be_asked_for(column, form, support, furnished):
    assert ApiClient.objects.exists()
    assert lenient(support).get(page(ApiClient), {f"{column}{form}": "1"}).status_code == 400


@pytest.mark.parametrize("path", ["client__client_secret__regex", "tenant__apiclient__client_secret__startswith"])
@EVERY_ADMIN
def test_a_secret_cannot_be_asked_for_by_way_of_another_list(model, path, root):
    assert lenient(root).get(page(model), {path: "a"}).status_code == 400


def test_a_password_of_staff_cannot_be_asked_for(root):
    for lookup in ("password", "password__regex", "email__contains", "groups__user__password__startswith"):
        assert lenient(root).get(page(User), {lookup: "a"}).status_code == 400, lookup


@EVERY_ADMIN
def test_a_list_takes_what_its_filters_read_and_no_column_besides(model, request_of_root):
    its, request = admin.site._registry[model], request_of_root
    read = tellable(request, model)
    refused = [name for name in read if not its.lookup_allowed(name, "1", request)]
    assert refused == []
    filters = {name for one in its.get_list_filter(request) for name in lookups.declared(model, one)}
    bare = {column for column in columns(model) if its.lookup_allowed(column, "1", request)}
    assert bare <= filters


@EVERY_ADMIN
def test_every_choice_of_every_filter_opens_its_list(model, root, furnished):
    shown = root.get(page(model)).context["cl"]
    for one in shown.filter_specs:
        for choice in one.choices(shown):
            answer = root.get(page(model) + choice["query_string"])
            assert answer.status_code == 200, choice


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("orders_orderevent", {"id__gte": "01a224d3-5a6d-7b13-8000-000000000000", "status": "dead"}),
        ("orders_delivery", {"destination__id__exact": 1}),
        ("orders_destination", {"state__exact": "running", "open_seconds__isnull": 0}),
        ("orders_timelineentry", {"road": "proxy", "of": 1}),
        ("suppliers_supplierpart", {"fetch": "late", "of": 1}),
    ],
)
def test_what_the_hub_links_to_is_taken(name, question, root, furnished):
    assert root.get(f"{reverse(f'admin:{name}_changelist')}?{urlencode(question)}").status_code == 200


@EVERY_ADMIN
def test_no_value_of_a_filter_is_a_failure(model, root, request_of_root):
    names = {*tellable(request_of_root, model), "of", *admin.site._registry[model].linked_lookups, "received_at__year"}
    found = {
        (name, value[:9]): lenient(root).get(page(model), {name: value}).status_code
        for name in sorted(names)
        for value in NO_NUMBERS
    }
    assert {question: status for question, status in found.items() if status not in (200, 302, 400)} == {}


def test_a_tenant_that_is_no_number_filters_nothing(root, furnished):
    answer = root.get(page(OrderEvent), {"of": "²"})
    assert {event.pk for event in answer.context["cl"].result_list} == set(
        OrderEvent.objects.values_list("pk", flat=True)
    )


@pytest.mark.parametrize("year", ["0", "1", "9999", "99999", "9" * 30, "²", "x"])
def test_a_year_out_of_range_is_refused(year, root, monkeypatch):
    assert lenient(root).get(page(OrderEvent), {"received_at__year": year}).status_code == 400
    monkeypatch.setattr(admin.site._registry[OrderEvent], "date_hierarchy", "received_at")
    assert lenient(root).get(page(OrderEvent), {"received_at__year": year}).status_code == 400


def test_a_date_hierarchy_is_taken(root, monkeypatch):
    monkeypatch.setattr(admin.site._registry[OrderEvent], "date_hierarchy", "received_at")
    for date in ({"year": 2}, {"year": 9998}, {"year": 2026, "month": 12, "day": 31}, {"year": 2026, "month": 2}):
        question = {f"received_at__{part}": value for part, value in date.items()}
        assert root.get(page(OrderEvent), question).status_code == 200, date


def pages_of_a_row(model):
    """Every page of an admin that has an id in its address: the verbs too, and the versions."""
    for pattern in admin.site._registry[model].get_urls():
        names = [name for name in pattern.pattern.regex.groupindex if name in ("object_id", "id")]
        if pattern.name and names:
            yield pattern.name, names[0]


@pytest.mark.parametrize("address", ["orders/bulkrun/{}/stop/", "orders/selftest/{}/report.json"])
def test_a_number_in_an_address_that_no_row_has_is_no_failure(address, root):
    for one in ("9" * 18, "9" * 19, "9" * 30):
        found = lenient(root).post(f"/admin/{address.format(one)}")
        assert found.status_code in (302, 403, 404, 405), one


@pytest.mark.parametrize("before", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "99999-01-01", "²"])
def test_a_moment_that_no_clock_shows_is_no_failure(before, root):
    assert lenient(root).get(reverse("changes"), {"before": before}).status_code == 200


@pytest.mark.both
@pytest.mark.parametrize("name", ["root", "bolt-admin"])
@EVERY_ADMIN
def test_an_id_that_cannot_be_is_no_failure(model, name, root, bound):
    lenient(root).force_login(User.objects.get(username=name))
    pages = list(pages_of_a_row(model))
    assert pages
    found = {}
    for route, argument in pages:
        for one in NO_IDS:
            address = reverse(f"admin:{route}", kwargs={argument: one})
            found[route, one[:9]] = root.get(address).status_code, root.post(address).status_code
    assert {where: both for where, both in found.items() if not {*both} <= {200, 302, 403, 404, 405}} == {}


@pytest.mark.parametrize("version", ["abc", "²", "9" * 30])
@pytest.mark.parametrize("row", ["1", "abc", "²", "9" * 30])
def test_a_version_that_cannot_be_is_not_there(row, version, root, furnished):
    address = reverse("admin:orders_apiclient_simple_history", args=(row, version))
    assert lenient(root).get(address).status_code == 404


@EVERY_ADMIN
def test_an_action_on_what_is_no_id_is_no_failure(model, root, request_of_root):
    for action in admin.site._registry[model].get_actions(request_of_root):
        for one in ("abc", "²", "01a224d3-5a6d-7b13"):
            chosen = {"action": action, "_selected_action": one}
            assert lenient(root).post(page(model), chosen).status_code == 404, (action, one)
