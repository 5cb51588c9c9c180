"""What staff do in the admin: previews before anything is done, reasons on record, secrets shown once."""

import re
import time
from base64 import b64encode

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from orders.admin.fields import KeysField
from orders.dead_letters import dead_events
from orders.dead_letters.operations import Busy
from orders.models import ApiClient, OperatorAction, OrderEvent, Tenant
from tests.admin_fixtures import SECRET

pytestmark = pytest.mark.django_db

EVENTS = "/admin/orders/orderevent/"


def act(client, verb, *events, **members):
    chosen = {"action": f"{verb}_dead", "_selected_action": [str(event.pk) for event in events], **members}
    response = client.post(EVENTS, chosen)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def status(event):
    return OrderEvent.objects.get(pk=event.pk).status


def test_a_retry_is_previewed_before_anything_is_done(root, furnished, settings):
    assert "would fail again" in act(root, "retry", furnished.dead)
    settings.HUB_FAULT_INJECTION = False
    html = act(root, "retry", furnished.dead)
    assert "would be applied" in html
    assert "The required deliveries are then sent to suppliers and warehouses" in html
    assert status(furnished.dead) == "dead"
    assert OperatorAction.objects.filter(subject=f"event:{furnished.dead.pk}").count() == 0


def test_a_retry_with_a_reason_is_done_and_on_record(root, furnished, settings):
    settings.HUB_FAULT_INJECTION = False
    html = act(root, "retry", furnished.dead, apply="1", reason="the fault is mended")
    assert "Outcome for 1 event" in html
    assert "pending again" in html
    assert status(furnished.dead) == "pending"
    note = OperatorAction.objects.get(subject=f"event:{furnished.dead.pk}")
    assert (note.who, note.action, note.reason, note.outcome) == ("root", "retry", "the fault is mended", "pending")


@pytest.mark.parametrize("verb", ["retry", "discard"])
def test_without_a_reason_nothing_is_done(verb, root, furnished):
    assert "Nothing was done: write a reason first." in act(root, verb, furnished.dead, apply="1", reason="  ")
    assert status(furnished.dead) == "dead"


def test_a_stale_event_is_shown_with_the_one_that_superseded_it(root, furnished, settings):
    settings.HUB_FAULT_INJECTION = False
    newer = furnished.put("fault-always-1", status="IN_PROGRESS")
    furnished.drain()
    assert f"event:{newer.pk}" in act(root, "retry", furnished.dead)
    assert "superseded by <a" in act(root, "retry", furnished.dead, apply="1", reason="x")
    assert status(furnished.dead) == "superseded"


def test_a_discard_describes_its_effect_and_takes_a_reason(root, furnished):
    html = act(root, "discard", furnished.dead)
    assert "This cannot be undone" in html
    act(root, "discard", furnished.dead, apply="1", reason="a test order")
    assert status(furnished.dead) == "discarded"
    assert OperatorAction.objects.get(subject=f"event:{furnished.dead.pk}").reason == "a test order"


def test_an_event_that_is_not_dead_is_left_as_it_is(root, furnished):
    applied = OrderEvent.objects.filter(status="applied").first()
    html = act(root, "retry", applied, furnished.dead, apply="1", reason="x")
    assert "left unchanged" in html
    assert status(applied) == "applied"
    assert status(furnished.dead) == "pending"


def test_an_order_that_a_worker_holds_is_said_to_be_busy(root, furnished, monkeypatch):
    def busy(event, **_):
        raise Busy("a worker is applying this order just now; try again in a moment")

    monkeypatch.setattr(dead_events, "preview", busy)
    from django.contrib import admin

    events = admin.site._registry[OrderEvent]
    monkeypatch.setattr(events, "verbs", events.verbs.__class__(busy, busy, busy))
    assert "try again in a moment" in act(root, "retry", furnished.dead, apply="1", reason="x")
    assert status(furnished.dead) == "dead"


def test_a_dead_event_offers_its_verbs_on_its_own_page_and_a_finished_one_none(root, furnished):
    page = reverse("admin:orders_orderevent_change", args=(furnished.dead.pk,))
    retry = reverse("admin:orders_orderevent_retry_one", args=(furnished.dead.pk,))
    assert retry in root.get(page).content.decode()
    assert "would fail again" in root.get(retry).content.decode()
    applied = OrderEvent.objects.filter(status="applied").first()
    assert "/retry/" not in root.get(reverse("admin:orders_orderevent_change", args=(applied.pk,))).content.decode()


def test_a_destination_is_paused_with_a_reason_and_resumed(root, furnished):
    pause = reverse("admin:orders_destination_pause", args=(furnished.beans.pk,))
    assert "Nothing more is sent there" in root.get(pause).content.decode()
    furnished.beans.refresh_from_db()
    assert furnished.beans.state == "running"
    assert "write a reason first" in root.post(pause).content.decode()
    assert root.post(pause, {"reason": "stocktaking"}).status_code == 302
    furnished.beans.refresh_from_db()
    assert (furnished.beans.state, furnished.beans.state_reason) == ("paused", "stocktaking")
    assert "because stocktaking" in root.get("/admin/").content.decode()
    root.post(reverse("admin:orders_destination_resume", args=(furnished.beans.pk,)))
    furnished.beans.refresh_from_db()
    assert furnished.beans.state == "running"
    assert list(
        OperatorAction.objects.filter(subject=f"destination:{furnished.beans.pk}").values_list("action", flat=True)
    ) == [
        "pause",
        "resume",
    ]


def test_opening_a_verbs_page_changes_nothing(root, furnished):
    for verb in ("pause", "resume", "probe"):
        root.get(reverse(f"admin:orders_destination_{verb}", args=(furnished.beans.pk,)))
    root.get(reverse("admin:orders_apiclient_rotate", args=(furnished.api_client.pk,)))
    furnished.beans.refresh_from_db()
    furnished.api_client.refresh_from_db()
    assert (furnished.beans.state, furnished.beans.probe_at, furnished.api_client.previous_client_secret) == (
        "running",
        None,
        "",
    )


def shown_secret(html):
    return re.search(r'id="client-secret">([^<]+)<', html).group(1)


def test_a_new_client_shows_its_secret_once_and_may_sign_in_with_it(root, furnished):
    entry = {
        "tenant": furnished.tenant.pk,
        "client_id": "acme-pos",
        "active": "on",
        "scopes": ["customer-orders:read"],
        "business_units": "store-1\nstore-2",
    }
    response = root.post(reverse("admin:orders_apiclient_add"), entry)
    assert "no-store" in response.headers["Cache-Control"]
    secret = shown_secret(response.content.decode())
    made = ApiClient.objects.get(client_id="acme-pos")
    assert (made.scopes, made.business_units, made.kind) == (["customer-orders:read"], ["store-1", "store-2"], "tenant")
    assert signs_in(root, "acme-pos", secret)
    assert secret not in root.get(reverse("admin:orders_apiclient_change", args=(made.pk,))).content.decode()
    assert secret not in root.get(reverse("admin:orders_apiclient_history", args=(made.pk,))).content.decode()
    assert secret not in str(root.cookies)


def signs_in(client, name, secret):
    credentials = b64encode(f"{name}:{secret}".encode()).decode()
    form, kind = "grant_type=client_credentials", "application/x-www-form-urlencoded"
    token = client.post("/oauth2/token", form, content_type=kind, headers={"Authorization": f"Basic {credentials}"})
    return token.status_code == 200


def test_a_rotated_secret_is_shown_once_and_the_old_one_stays_good(root, furnished):
    html = root.post(reverse("admin:orders_apiclient_rotate", args=(furnished.api_client.pk,))).content.decode()
    for secret in (shown_secret(html), SECRET):
        assert signs_in(root, "acme-oms", secret)


def test_a_clients_faults_are_said_in_plain_words(root, furnished):
    entry = {
        "tenant": furnished.tenant.pk,
        "client_id": "two words",
        "business_units": "a\na",
        "public_keys": "nonsense",
    }
    html = root.post(reverse("admin:orders_apiclient_add"), entry).content.decode()
    assert "This must be 1 to 100 visible ASCII characters without a colon or blank." in html
    assert "Tick at least one." in html
    assert "This names &#x27;a&#x27; twice." in html
    assert "Paste whole public keys" in html
    assert not ApiClient.objects.filter(client_id="two words").exists()


def test_a_text_of_many_beginnings_of_keys_is_refused_at_once():
    began = time.thread_time()
    with pytest.raises(ValidationError):
        KeysField(annotation=str).read("-----BEGIN A-----" * 10_000)
    assert time.thread_time() - began < 1


TENANT = {
    "slug": "coffee",
    "name": "Coffee House",
    "mode": "events",
    "time_zone": "Europe/Copenhagen",
    "case_type": "contentClaim",
    "unknown_members": "warn",
    "not_fetched_after_minutes": "30",
    "active": "on",
}


def test_a_tenant_is_set_up_as_a_person_writes_it(root):
    entry = TENANT | {"status_map": "NEW = CREATED\nDONE = FULFILLED", "event_retry_schedule": "1, 5; 30"}
    assert root.post(reverse("admin:orders_tenant_add"), entry).status_code == 302
    made = Tenant.objects.get(slug="coffee")
    assert made.status_map == {"NEW": "CREATED", "DONE": "FULFILLED"}
    assert made.event_retry_schedule == [1, 5, 30]
    page = root.get(reverse("admin:orders_tenant_change", args=(made.pk,))).content.decode()
    assert "NEW = CREATED\nDONE = FULFILLED" in page
    assert "1, 5, 30" in page
    history = root.get(reverse("admin:orders_tenant_history", args=(made.pk,))).content.decode()
    assert "root" in history


def test_a_tenants_faults_are_said_in_plain_words(root):
    entry = TENANT | {"mode": "proxy", "status_map": "NEW", "event_retry_schedule": "soon", "time_zone": "Mars"}
    html = root.post(reverse("admin:orders_tenant_add"), entry).content.decode()
    assert "Enter the tenant&#x27;s external URL: in proxy mode orders are read from it." in html
    assert "Write one pair per line, such as NEW = CREATED" in html
    assert "Write numbers of seconds with commas between them" in html
    assert "use a name such as Europe/Copenhagen" in html
    assert "Constraint" not in html
    assert Tenant.objects.count() == 0


def test_an_old_version_is_shown_and_not_brought_back(root):
    root.post(reverse("admin:orders_tenant_add"), TENANT)
    made = Tenant.objects.get()
    old = made.history.get()
    glances = {f"{name}-{form}_FORMS": 0 for name in ("api_clients", "destinations") for form in ("TOTAL", "INITIAL")}
    root.post(
        reverse("admin:orders_tenant_change", args=(made.pk,)),
        TENANT | glances | {"name": "New name", "compared_per_minute": "30"},
    )
    version = reverse("admin:orders_tenant_simple_history", args=(made.pk, old.pk))
    assert root.get(version).status_code == 200
    assert root.post(version, TENANT).status_code == 403
    made.refresh_from_db()
    assert made.name == "New name"


def find(client, text):
    return client.get(reverse("admin:orders_order_find"), {"q": text}).content.decode()


def test_an_order_is_found_by_whatever_the_caller_has(root, furnished):
    page = reverse("admin:orders_order_change", args=(furnished.queue().pk,))
    event = furnished.queue().events.get()
    delivery = furnished.deliveries[0]
    for text in (
        "1001",
        str(event.pk),
        str(delivery.pk),
        f"msg_{delivery.pk.hex}",
        "token-2",
        "TOKEN-2",
        "<script>alert(1)</script>",
    ):
        assert page in find(root, f" {text} "), text
    assert page in find(root, "test")
    assert "Nothing found" in find(root, "no-such-order")
    assert "Enter any exact id" in find(root, "")


def test_an_order_that_is_only_read_through_is_found_with_its_timeline(root, furnished):
    from orders.telemetry import timeline_entries
    from orders.values.order_key import OrderKey

    key = OrderKey(furnished.tenant.pk, "store 1", "a/b&c")
    timeline_entries.record(key, source="proxy", what="Read failed: the external service did not answer in time")
    [link] = re.findall(r'href="(/admin/orders/order/story/[^"]+)"', find(root, "a/b&c"))
    page = root.get(link.replace("&amp;", "&")).content.decode()
    assert "Read failed: the external service did not answer in time" in page
    assert "a/b&amp;c" in page


def test_home_says_what_needs_a_person_with_the_way_there(root, furnished):
    html = root.get("/admin/").content.decode()
    assert "1 event failed for good" in html
    assert "/admin/orders/orderevent/?status=dead" in html


def test_home_of_an_empty_hub_names_the_next_step(root):
    html = root.get("/admin/").content.decode()
    assert "No tenant is set up yet." in html
    assert "Nothing: no destination is stopped or failing, and there are no dead letters." in html
    assert "Add the first tenant" in html


def test_a_dead_delivery_is_previewed_and_retried_like_an_event(root, furnished):
    dead = furnished.deliveries[2]
    page = "/admin/orders/delivery/"
    chosen = {"action": "retry_dead", "_selected_action": str(dead.pk)}
    assert "A retry would send it now." in root.post(page, chosen).content.decode()
    dead.refresh_from_db()
    assert dead.status == "dead"
    root.post(page, chosen | {"apply": "1", "reason": "beans is back"})
    dead.refresh_from_db()
    assert dead.status == "pending"
    assert OperatorAction.objects.get(subject=f"delivery:{dead.pk}", who="root").reason == "beans is back"
