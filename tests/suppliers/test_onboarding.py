import pytest
from django.contrib.auth.hashers import check_password
from django.utils import timezone
from pydantic import TypeAdapter, ValidationError

from orders.access import sealing
from orders.integrations.onboarding_report import Report
from orders.models import ApiClient, Destination, Secret, Tenant
from orders.outgoing.signing import make_secret
from suppliers.models import Supplier, Webhook
from suppliers.onboarding.section import Suppliers
from suppliers.webhooks import webhook_secrets
from suppliers.webhooks.outcomes import GONE_DETAIL

pytestmark = [pytest.mark.both, pytest.mark.django_db]
SIGNING = make_secret()
CLIENT = {"client_id": "beans", "client_secret": "c" * 40, "scopes": ["supplier-orders:read", "events"]}
WEBHOOK = {"url": "https://beans.example/hook", "signing_secret": SIGNING}
BEANS = {"id": "beans", "name": "Beans Ltd", "item_patterns": ["BEAN-*"], "api_client": CLIENT, "webhook": WEBHOOK}


def checked(*entries):
    return TypeAdapter(Suppliers.annotation).validate_python(list(entries))


def onboard(tenant, *entries):
    report = Report(base=("tenants", 0))
    Suppliers().apply(tenant, checked(*entries), report)
    return report


def without(entry, *names):
    return {name: value for name, value in entry.items() if name not in names}


def test_a_supplier_is_made_with_client_webhook_destination_and_secrets(tenant):
    report = onboard(tenant, BEANS)
    assert (report.refusals, report.secrets) == ([], [])
    supplier = Supplier.objects.get()
    assert (supplier.slug, supplier.name, supplier.position, supplier.item_patterns) == (
        "beans",
        "Beans Ltd",
        0,
        ["BEAN-*"],
    )
    client = supplier.api_client
    assert (client.kind, client.scopes, client.tenant) == ("supplier", CLIENT["scopes"], tenant)
    assert check_password("c" * 40, client.client_secret)
    assert client.history.get().history_change_reason == "onboarding"
    webhook = supplier.webhook
    assert (webhook.url, webhook.events, webhook.auth_type) == (
        WEBHOOK["url"],
        ["order_created", "order_cancelled"],
        "none",
    )
    assert webhook_secrets.signing_secrets(webhook, now=timezone.now()) == [SIGNING]
    destination = webhook.destination
    assert (destination.channel, destination.name, destination.active) == ("supplier", "beans", True)
    assert (destination.concurrency, destination.rate_limit_per_second, destination.retry_schedule) == (4, None, None)


def test_the_same_file_again_changes_nothing(tenant):
    onboard(tenant, BEANS)
    history = Supplier.history.count(), Webhook.history.count(), ApiClient.history.count()
    report = onboard(tenant, BEANS)
    assert report.counts == {"created": 0, "changed": 0, "unchanged": 3}
    assert (Supplier.history.count(), Webhook.history.count(), ApiClient.history.count()) == history


def test_what_export_writes_is_what_was_read_and_keeps_every_secret(tenant):
    full = BEANS | {
        "webhook": WEBHOOK
        | {
            "events": ["order_created", "order_cancelled"],
            "auth": {
                "type": "oauth2",
                "clientId": "hub",
                "clientSecret": "canary",
                "authUrl": "https://beans.example/t",
                "scope": "x",
            },
            "concurrency": 2,
            "rate_limit_per_second": 5,
            "retry_schedule": [1, 2.5],
        }
    }
    onboard(
        tenant,
        full,
        {
            "id": "pull",
            "name": "Pull",
            "item_patterns": [],
            "active": False,
            "api_client": CLIENT | {"client_id": "pull"},
        },
    )
    exported = Suppliers().export(tenant)
    assert "canary" not in repr(exported)
    assert SIGNING not in repr(exported)
    report = onboard(tenant, *exported)
    assert (report.counts["created"], report.counts["changed"], report.secrets) == (0, 0, [])
    webhook = Webhook.objects.get()
    assert webhook_secrets.target_of(webhook, now=timezone.now()).credentials.client_secret == "canary"
    assert webhook.auth_config == {"clientId": "hub", "authUrl": "https://beans.example/t", "scope": "x"}
    assert "canary" not in repr(list(Webhook.history.values()))


def test_absent_secrets_of_a_new_supplier_are_made_and_shown_once(tenant):
    entry = BEANS | {
        "api_client": without(CLIENT, "client_secret"),
        "webhook": {"url": WEBHOOK["url"], "auth": {"type": "basic", "username": "hub"}},
    }
    first = onboard(tenant, entry)
    assert [(what, name) for what, name, _ in first.secrets] == [
        ("API client beans", "client_secret"),
        ("webhook of supplier acme/beans", "signing_secret"),
        ("webhook of supplier acme/beans", "auth.password"),
    ]
    target = webhook_secrets.target_of(Webhook.objects.get(), now=timezone.now())
    assert [first.secrets[1][2]] == list(target.secrets)
    assert target.login == ("hub", first.secrets[2][2])
    assert onboard(tenant, entry).secrets == []


def test_a_client_secret_of_the_receiver_cannot_be_made(tenant):
    auth = {"type": "oauth2", "clientId": "hub", "authUrl": "https://beans.example/t"}
    report = onboard(tenant, BEANS | {"webhook": WEBHOOK | {"auth": auth}})
    assert [(refusal.place, refusal.because) for refusal in report.refusals] == [
        (
            ("tenants", 0, "suppliers", 0, "webhook", "auth", "clientSecret"),
            "is needed for a new oauth2 login; the supplier has it.",
        )
    ]


def test_a_new_signing_secret_overlaps_with_the_old(tenant):
    onboard(tenant, BEANS)
    new = make_secret()
    report = onboard(tenant, BEANS | {"webhook": WEBHOOK | {"signing_secret": new}})
    assert webhook_secrets.signing_secrets(Webhook.objects.get(), now=timezone.now()) == [new, SIGNING]
    assert [line for line in report.lines if "signing_secret" in line] == [
        "changed    webhook of supplier acme/beans  signing_secret: ******** → ********"
    ]
    assert new not in repr(report)


def test_another_kind_of_auth_forgets_the_secret_of_the_first(tenant):
    basic = {"type": "basic", "username": "hub", "password": "canary"}
    onboard(tenant, BEANS | {"webhook": WEBHOOK | {"auth": basic}})
    onboard(tenant, BEANS)
    assert sorted(Secret.objects.values_list("kind", flat=True)) == [webhook_secrets.SIGNING]
    assert Webhook.objects.get().auth_config == {}


def test_the_order_of_the_file_is_the_order_of_claims_and_others_keep_their_place(tenant):
    def entry(slug):
        return {"id": slug, "name": slug, "item_patterns": ["*"]}

    def order():
        return list(Supplier.objects.order_by("position").values_list("slug", flat=True))

    onboard(tenant, entry("a"), entry("b"), entry("c"))
    assert order() == ["a", "b", "c"]
    onboard(tenant, entry("c"), entry("b"), entry("a"))
    assert order() == ["c", "b", "a"]
    onboard(tenant, entry("a"), entry("c"))
    assert order() == ["a", "b", "c"]
    onboard(tenant, entry("new"))
    assert order() == ["a", "b", "c", "new"]
    assert sorted(Supplier.objects.values_list("position", flat=True)) == [0, 1, 2, 3]


def test_without_a_webhook_the_supplier_only_pulls_and_deliveries_stay_pending(tenant):
    onboard(tenant, BEANS)
    onboard(tenant, without(BEANS, "webhook"))
    assert not Webhook.objects.exists()
    assert not Secret.objects.exists()
    assert Destination.objects.get().active is False
    report = onboard(tenant, BEANS)
    assert (report.refusals, Destination.objects.get().active) == ([], True)
    assert Webhook.objects.get().destination == Destination.objects.get()


def test_a_stopped_supplier_stops_its_client_and_its_webhook_and_comes_back(tenant):
    onboard(tenant, BEANS)
    for active in (False, True):
        onboard(tenant, BEANS | {"active": active})
        state = (Supplier.objects.get().active, ApiClient.objects.get().active, Destination.objects.get().active)
        assert state == (active, active, active)


def test_a_supplier_that_is_not_named_is_left_alone(tenant):
    onboard(tenant, BEANS)
    onboard(tenant)
    assert Supplier.objects.get().active
    onboard(tenant, without(BEANS, "api_client"))
    assert Supplier.objects.get().api_client.client_id == "beans"


def test_another_client_replaces_and_stops_the_first(tenant):
    onboard(tenant, BEANS)
    onboard(tenant, BEANS | {"api_client": CLIENT | {"client_id": "beans-2"}})
    assert dict(ApiClient.objects.values_list("client_id", "active")) == {"beans": False, "beans-2": True}
    assert Supplier.objects.get().api_client.client_id == "beans-2"


def test_scopes_of_the_other_kind_and_clients_of_others_are_refused(tenant):
    onboard(tenant, BEANS)
    other = Tenant.objects.create(slug="bolt", name="Bolt", mode="events")
    wrong_scope = CLIENT | {"client_id": "x", "scopes": ["customer-orders:read"]}
    cases = [
        (tenant, BEANS | {"api_client": wrong_scope}),
        (other, BEANS),
        (tenant, BEANS | {"id": "peas"}),
    ]
    for owner, entry in cases:
        (refusal,) = onboard(owner, entry).refusals
        assert refusal.place[:4] == ("tenants", 0, "suppliers", 0)
        assert refusal.place[4] == "api_client"


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": 1},
        {"id": "No Slug"},
        {"item_patterns": "BEAN-*"},
        {"item_patterns": [""]},
        {"webhook": {}},
        {"webhook": WEBHOOK | {"url": "ftp://x"}},
        {"webhook": WEBHOOK | {"events": ["order_updated"]}},
        {"webhook": WEBHOOK | {"events": ["order_created", "order_created"]}},
        {"webhook": WEBHOOK | {"events": ["order_created", "stock_updated"]}},
        {"webhook": WEBHOOK | {"auth": {"type": "digest"}}},
        {"webhook": WEBHOOK | {"auth": {"type": "none", "username": "x"}}},
        {"webhook": WEBHOOK | {"auth": {"type": "basic"}}},
        {"webhook": WEBHOOK | {"signing_secret": "whsec_short"}},
        {"webhook": WEBHOOK | {"concurrency": 0}},
        {"webhook": WEBHOOK | {"concurrency": "4"}},
        {"webhook": WEBHOOK | {"rate_limit_per_second": 0}},
        {"api_client": CLIENT | {"scopes": []}},
        {"api_client": CLIENT | {"business_units": ["a"]}},
    ],
)
def test_a_wrong_entry_is_refused_without_quoting_secrets(change):
    with pytest.raises(ValidationError) as error:
        checked(BEANS | change)
    assert "whsec_short" not in repr([fault["msg"] for fault in error.value.errors()])


@pytest.mark.parametrize("missing", ["id", "name", "item_patterns"])
def test_required_keys_are_required(missing):
    with pytest.raises(ValidationError):
        checked(without(BEANS, missing))


def test_a_supplier_named_twice_is_refused():
    with pytest.raises(ValidationError):
        checked(BEANS, BEANS)


@pytest.mark.parametrize(
    ("state", "reason", "after"),
    [("stopped", "401", "running"), ("paused", GONE_DETAIL, "running"), ("paused", "by ops", "paused")],
)
def test_a_mended_endpoint_goes_on_and_a_paused_one_does_not(tenant, state, reason, after):
    onboard(tenant, BEANS)
    Destination.objects.update(state=state, state_reason=reason)
    onboard(tenant, BEANS)
    assert Destination.objects.get().state == state
    onboard(tenant, BEANS | {"webhook": WEBHOOK | {"url": "https://new.beans.example/hook"}})
    assert Destination.objects.get().state == after


def test_a_new_address_closes_an_open_breaker(tenant):
    onboard(tenant, BEANS)
    Destination.objects.update(open_seconds=300, failures=10)
    onboard(tenant, BEANS | {"webhook": WEBHOOK | {"url": "https://new.beans.example/hook"}})
    assert (Destination.objects.get().open_seconds, Destination.objects.get().failures) == (None, 0)


def test_a_lost_secret_can_be_entered_again(tenant, settings):
    onboard(tenant, BEANS)
    settings.HUB_ENCRYPTION_KEYS = [("new", b"k" * 32)]
    with pytest.raises(sealing.SecretLost):
        webhook_secrets.target_of(Webhook.objects.get(), now=timezone.now())
    onboard(tenant, BEANS)
    assert webhook_secrets.signing_secrets(Webhook.objects.get(), now=timezone.now()) == [SIGNING]


LOGINS = {
    "basic": ({"type": "basic", "username": "u", "password": "s3cret"}, "password"),
    "oauth2": (
        {"type": "oauth2", "clientId": "c", "clientSecret": "s3cret", "authUrl": "https://auth.example/token"},
        "clientSecret",
    ),
}


def login_with(auth, **members):
    return {**BEANS, "webhook": {**WEBHOOK, "auth": auth, **members}}


@pytest.mark.parametrize("url", ["https://thief.example/hook", "http://beans.example/hook", "https://beans.example:8/"])
@pytest.mark.parametrize("kind", LOGINS)
def test_a_stored_secret_is_not_kept_for_another_host(tenant, kind, url):
    auth, member = LOGINS[kind]
    onboard(tenant, login_with(auth))
    for masked in ({**auth, member: "********"}, without(auth, member)):
        [refusal] = onboard(tenant, login_with(masked, url=url)).refusals
        assert refusal.place == ("tenants", 0, "suppliers", 0, "webhook", "auth", member)
        assert "must be entered again: the stored secret would otherwise be sent to another host" in refusal.because
        Webhook.objects.update(url=WEBHOOK["url"])
        assert onboard(tenant, login_with(masked, url="https://beans.example/hook/2")).refusals == []
    assert onboard(tenant, login_with(auth, url=url)).refusals == []


def test_a_stored_client_secret_is_not_kept_for_another_token_address(tenant):
    auth, member = LOGINS["oauth2"]
    onboard(tenant, login_with(auth))
    moved = {**auth, member: "********", "authUrl": "https://thief.example/token"}
    [refusal] = onboard(tenant, login_with(moved)).refusals
    assert refusal.place[-1] == member
    assert onboard(tenant, login_with({**moved, member: "n3w"})).refusals == []


def test_a_webhook_without_a_login_may_move(tenant):
    onboard(tenant, BEANS)
    assert onboard(tenant, {**BEANS, "webhook": {**WEBHOOK, "url": "https://other.example/"}}).refusals == []
