"""Known noise is ignored from then on, by whom and why; and a customer's values are masked and erased here too."""

import time
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from orders.access.staff import give_role
from orders.cutover import ignored_differences, matches
from orders.cutover.comparison import answers
from orders.cutover.comparison.answers import saw_order
from orders.database.clock import DatabaseClock
from orders.documents import load, render
from orders.documents.pointers import pointer
from orders.inbox.reception import accept
from orders.models import ComparisonHour, ComparisonSweep, Difference, IgnoredMember, MemberHour, OperatorAction
from orders.retention.erasure import Asked, erase
from tests.bodies import body
from tests.orders.sample_orders import places
from tests.orders.test_migration_comparing import held, shop, tenant  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.both]

PRICE = "/items/*/unitPrice"
CUSTOMER = {"name": "Zqvex Anna", "phone": "+45 71 98 76 54"}
ADDRESS = {"name": "Zqvex", "line1": "Zqvexgatan 5", "city": "Zqvexby", "postalCode": "902", "countryCode": "SE"}


def compare(tenant, there):
    saw_order(tenant, "store-1", "1001", there, began=time.monotonic())
    answers.write()


def counts(tenant):
    return list(ComparisonHour.objects.filter(tenant=tenant).values_list("matched", "stale", "wrong"))


def open_members():
    return sorted(Difference.objects.values_list("member", flat=True))


# --- ignoring


def test_an_ignored_member_makes_nothing_wrong_from_then_on_and_its_rows_go(tenant, shop):
    compare(tenant, body(price="5", status="SENT"))
    ignored_differences.ignore(tenant, PRICE, who="ann", reason="rounded there")
    assert open_members() == ["/status"]
    compare(tenant, body(price="5"))
    assert (counts(tenant), open_members()) == ([(1, 0, 1)], [])
    assert sorted(MemberHour.objects.values_list("member", "wrong")) == [(PRICE, 1), ("/status", 1)]


def test_ignoring_only_a_kind_lets_the_others_count(tenant, shop):
    ignored_differences.ignore(tenant, PRICE, kind="digits", who="ann", reason="cents")
    compare(tenant, body(price="19.9"))
    compare(tenant, body(price="19.91"))
    assert (counts(tenant), open_members()) == ([(1, 0, 1)], [PRICE])


def test_a_member_is_ignored_with_all_inside_it_and_no_other_of_a_like_name(tenant, shop):
    ignored_differences.ignore(tenant, "/customer", who="ann", reason="r")
    compare(tenant, render({"customerOrder": {**load(body())["customerOrder"], "customer": CUSTOMER}}))
    compare(tenant, body(customer="c-1"))
    assert (counts(tenant), open_members()) == ([(1, 0, 1)], ["/customerId"])


def test_another_tenants_ignored_members_are_its_own(tenant, shop, make_tenant):
    ignored_differences.ignore(make_tenant("bolt", "migrating"), PRICE, who="ann", reason="r")
    compare(tenant, body(price="5"))
    assert counts(tenant) == [(0, 0, 1)]


def test_who_ignores_and_why_is_on_record_and_so_is_who_looks_again(tenant, shop):
    row = ignored_differences.ignore(tenant, PRICE, who="ann", reason="rounded there")
    again = ignored_differences.ignore(tenant, PRICE, who="bob", reason="me too")
    assert (again.pk, again.who) == (row.pk, "ann")
    ignored_differences.stop_ignoring(row, who="cem", reason="repaired")
    compare(tenant, body(price="5"))
    assert open_members() == [PRICE]
    columns = ("tenant", "who", "action", "subject", "reason", "outcome")
    assert list(OperatorAction.objects.order_by("pk").values_list(*columns)) == [
        (tenant.pk, "ann", "ignore differences", f"member:{PRICE}", "rounded there", "every kind"),
        (tenant.pk, "cem", "look at differences", f"member:{PRICE}", "repaired", "every kind"),
    ]


@pytest.mark.parametrize(
    ("member", "kind", "reason", "says"),
    [
        (PRICE, "", " ", "Write why"),
        ("", "", "r", "whole order"),
        ("/items/0/unitPrice", "", "r", "no member"),
        ("/nothing", "", "r", "no member"),
        (PRICE, "wrongish", "r", "no kind"),
    ],
)
def test_what_cannot_be_ignored_is_refused_and_changes_nothing(tenant, member, kind, reason, says):
    with pytest.raises(ignored_differences.IgnoreRefused, match=says):
        ignored_differences.ignore(tenant, member, kind=kind, who="ann", reason=reason)
    assert not IgnoredMember.objects.exists()
    assert not OperatorAction.objects.exists()


def test_every_member_that_can_differ_can_be_ignored():
    of_the_full_order = {pointer("*" if isinstance(part, int) else part for part in path) for path in places()}
    assert ignored_differences.known_members() == of_the_full_order


# --- personal data


def personal(**members):
    return {**load(body())["customerOrder"], "customer": CUSTOMER, "deliveryAddress": ADDRESS, **members}


@pytest.fixture
def differing(tenant, shop):
    """The own system has a name and an address that the stored copy does not have."""
    compare(tenant, render({"customerOrder": personal()}))
    assert open_members() == ["/customer", "/deliveryAddress"]
    return Difference.objects.get(member="/customer")


def signed_in(role, tenant=None):
    client = Client()
    client.force_login(give_role(f"{role}-1", role=role, tenant=tenant, password="a long enough password 1").user)
    return client


def page(client, name, *arguments, query=""):
    answer = client.get(reverse(f"admin:orders_difference_{name}", args=arguments) + query)
    return answer.status_code, answer.content.decode()


def test_support_reads_that_and_where_it_differs_and_no_value(differing):
    for name, arguments in (("changelist", ()), ("change", (differing.pk,))):
        _, shown = page(signed_in("support"), name, *arguments)
        assert "/customer" in shown
        assert "Zqvex" not in shown
        assert "(masked)" in shown
        _, shown = page(signed_in("operator"), name, *arguments)
        assert "Zqvex Anna" in shown


def test_another_tenants_admin_sees_nothing_of_it(differing, make_tenant):
    client = signed_in("tenant-admin", make_tenant("bolt"))
    assert "/deliveryAddress" not in page(client, "changelist")[1]
    assert page(client, "change", differing.pk)[0] == 302
    own = signed_in("tenant-admin", differing.tenant)
    assert page(own, "changelist")[1].count("/deliveryAddress") >= 1


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?member=/customer", True), ("?member=/status", False), ("?kind__exact=missing+here", True),
        ("?kind__exact=value", False), ("?q=1001", True), ("?q=1002", False), ("?member=(the+whole+order)", False),
    ],
)  # fmt: skip
def test_differences_are_found_by_member_kind_and_order(differing, query, shown):
    change = reverse("admin:orders_difference_change", args=(differing.pk,))
    assert (change in page(signed_in("operator"), "changelist", query=query)[1]) == shown


def test_erasing_a_customer_erases_what_was_compared_also_where_only_the_own_system_had_it(tenant, differing):
    report = erase(Asked(tenant, "c-77", who="ann", reason="asked for"))
    assert report.counts["differences"] == 2
    rows = [*Difference.objects.values_list("here", flat=True), *Difference.objects.values_list("there", flat=True)]
    assert "Zqvex" not in "".join(rows)
    assert load(Difference.objects.get(member="/customer").there) == {"customer": {"name": "erased", "phone": "erased"}}


def test_what_was_erased_does_not_come_back_with_the_next_comparison(tenant, shop):
    accept(shop.key(), payload=render({"customerOrder": personal()}), client_id=None, correlation_id="c")
    shop.drain()
    erase(Asked(tenant, "c-77", who="ann", reason="asked for"))
    compare(tenant, render({"customerOrder": personal()}))
    assert (counts(tenant), open_members()) == ([(1, 0, 0)], [])


# --- the page


def test_an_operator_ignores_a_member_with_a_reason_on_a_page_that_describes_its_effect(differing):
    client, url = signed_in("operator"), reverse("admin:orders_difference_ignore_member", args=(differing.pk,))
    assert "1 open difference " in client.get(url).content.decode()
    missing = client.post(url, {"apply": "1", "kind": "", "reason": " "})
    assert "Nothing was done: write a reason first." in missing.content.decode()
    assert not IgnoredMember.objects.exists()
    done = client.post(url, {"apply": "1", "kind": "missing here", "reason": "no names there"}, follow=True)
    assert "Ignored from now on: /customer of Acme." in done.content.decode()
    row = IgnoredMember.objects.get()
    assert (row.member, row.kind, row.who, row.reason) == ("/customer", "missing here", "operator-1", "no names there")
    shown = page(client, "changelist")[1]
    assert "Differences of these members are not counted and not listed" in shown
    assert open_members() == ["/deliveryAddress"]


def test_members_are_ignored_from_the_list_of_differences(differing):
    client, url = signed_in("operator"), reverse("admin:orders_difference_changelist")
    chosen = {"action": "ignore_members", "_selected_action": list(Difference.objects.values_list("pk", flat=True))}
    assert "Ignore these differences from now on?" in client.post(url, chosen).content.decode()
    client.post(url, {**chosen, "apply": "1", "kind": "", "reason": "no people there"})
    assert sorted(IgnoredMember.objects.values_list("member", flat=True)) == ["/customer", "/deliveryAddress"]
    assert open_members() == []


def test_a_whole_order_that_is_missing_there_cannot_be_ignored(tenant, shop):
    compare(tenant, None)
    url = reverse("admin:orders_difference_ignore_member", args=(Difference.objects.get().pk,))
    answer = signed_in("operator").post(url, {"apply": "1", "kind": "", "reason": "why not"})
    assert "cannot be ignored" in answer.content.decode()
    assert not IgnoredMember.objects.exists()


def test_an_operator_lets_an_ignored_member_count_again(tenant):
    row = ignored_differences.ignore(tenant, PRICE, who="ann", reason="r")
    url = reverse("admin:orders_ignoredmember_count_again", args=(row.pk,))
    client = signed_in("operator")
    assert client.post(url, {"reason": ""}).status_code == 200
    assert IgnoredMember.objects.exists()
    assert client.post(url, {"reason": "repaired there"}).status_code == 302
    assert not IgnoredMember.objects.exists()


def test_the_page_says_what_was_left_out_and_whose_sample_is_held(tenant, make_tenant):
    now = DatabaseClock().now()
    ComparisonHour.objects.create(tenant=tenant, starts_at=matches.hour_of(now), way="read", dropped=1_200)
    ComparisonSweep.objects.create(tenant=tenant, due_at=now + timedelta(seconds=59), paused_because="It is down.")
    shown = page(signed_in("operator"), "changelist")[1]
    assert "1,200 answers of the last 24 hours were not compared" in shown
    assert "Orders of Acme that nobody reads are not compared for now: It is down. The next try is " in shown
    other = page(signed_in("tenant-admin", make_tenant("bolt", "migrating")), "changelist")[1]
    assert [words for words in ("not compared", "It is down", "Acme") if words in other] == []
