"""The onboarding file: what it makes, what it keeps, that it is all or nothing (docs/reference/onboarding-file.md)."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.hashers import check_password

from orders.access.clients import ClientEntry, save_client
from orders.integrations.onboarding_faults import FileRefused
from orders.models import ApiClient, Tenant
from orders.onboarding.files import apply_file, export_tenant

pytestmark = [pytest.mark.django_db, pytest.mark.both]

SAMPLE = Path(__file__).parent / "samples" / "onboarding.yaml"


def apply(text, **options):
    return apply_file(text.encode(), file="acme.yaml", who="test", **options)


def tenant(*lines, mode="events"):
    """A file with one tenant and further lines of it."""
    return "\n".join(["tenants:", "  - id: acme", "    name: Acme", f"    mode: {mode}", *(f"    {x}" for x in lines)])


def client(*, secret="", scopes="customer-orders:read", client_id="acme-pos", rest=""):
    given = f"client_secret: {secret}, " if secret else ""
    return ["api_clients:", f"  - {{client_id: {client_id}, {given}scopes: [{scopes}]{rest}}}"]


@pytest.fixture
def sample(monkeypatch):
    monkeypatch.setenv("ONBOARD_ACME_OMS_SECRET", "from the environment")
    return SAMPLE.read_bytes()


def test_the_whole_format_is_applied(sample):
    apply_file(sample, file="acme.yaml", who="test", environment=True)
    acme = Tenant.objects.get(slug="acme")
    assert (acme.name, acme.mode, acme.country, acme.time_zone) == ("Acme Retail", "events", "dk", "Europe/Copenhagen")
    assert acme.external_url == "https://oms.acme.example/api/v1"
    assert acme.status_map == {"NEW": "CREATED"}
    assert acme.event_retry_schedule == [1, 5, 30]
    assert acme.proxy_timeout_seconds == 5
    pos, oms = ApiClient.objects.filter(kind="tenant").order_by("pk")
    assert (pos.client_id, pos.scopes, pos.business_units) == ("acme-pos", ["customer-orders:read"], ["store-1"])
    assert check_password("a long secret of the till", pos.client_secret)
    assert check_password("from the environment", oms.client_secret)
    assert oms.business_units is None


def test_a_second_time_changes_nothing(sample):
    apply_file(sample, file="acme.yaml", who="test", environment=True)
    histories = Tenant.history.count(), ApiClient.history.count()
    report = apply_file(sample, file="acme.yaml", who="test", environment=True)
    assert report.counts["created"] == report.counts["changed"] == 0
    assert report.secrets == []
    assert (Tenant.history.count(), ApiClient.history.count()) == histories


def test_an_exported_tenant_applied_again_changes_nothing(sample):
    apply_file(sample, file="acme.yaml", who="test", environment=True)
    text = export_tenant(Tenant.objects.get(slug="acme"))
    assert "********" in text
    for secret in ("a long secret", "from the environment", "whsec_", "philz, password"):
        assert secret not in text
    report = apply_file(text.encode(), file="again.yaml", who="test")
    assert [line for line in report.lines if not line.startswith("unchanged")] == []
    assert report.secrets == []
    assert export_tenant(Tenant.objects.get(slug="acme")) == text


def test_a_dry_run_tells_and_stores_nothing(sample):
    report = apply_file(sample, file="acme.yaml", who="test", environment=True, dry_run=True)
    text = "\n".join(report.text(dry_run=True))
    assert not Tenant.objects.exists()
    assert not ApiClient.objects.exists()
    assert "created    tenant acme" in text
    assert "client_secret: ********" in text
    assert all(value not in text for _, _, value in report.secrets)
    assert "nothing was stored" in text


def test_absent_keys_of_a_named_object_get_their_defaults():
    apply(tenant("country: dk", "time_zone: Europe/Copenhagen", "case_type: x", "status_map: {A: B}", "active: false"))
    report = apply(tenant())
    acme = Tenant.objects.get(slug="acme")
    assert (acme.country, acme.time_zone, acme.case_type, acme.status_map) == ("", "UTC", "contentClaim", {})
    assert (acme.active, acme.not_fetched_after_minutes, acme.event_retry_schedule) == (True, 30, None)
    assert "changed    tenant acme  time_zone: Europe/Copenhagen → UTC" in report.lines
    assert "changed    tenant acme  country: dk → none" in report.lines
    assert report.counts == {"created": 0, "changed": 1, "unchanged": 0}


def test_absent_objects_are_left_alone():
    apply(tenant(*client(secret="one-secret-of-the-till")) + "\n  - {id: bolt, name: Bolt, mode: events}")
    apply(tenant())
    assert ApiClient.objects.get(client_id="acme-pos").active
    assert Tenant.objects.get(slug="bolt").active


def test_a_secret_is_made_once_for_a_new_client_and_kept_afterwards():
    first = apply(tenant(*client()))
    [(what, name, made)] = first.secrets
    assert (what, name) == ("API client acme-pos", "client_secret")
    assert len(made) >= 40
    assert made in "\n".join(first.text())
    for secret in ("", '"********"'):
        assert apply(tenant(*client(secret=secret))).secrets == []
        assert check_password(made, ApiClient.objects.get().client_secret)


def test_the_mask_for_a_new_client_makes_a_secret():
    [(_, _, made)] = apply(tenant(*client(secret='"********"'))).secrets
    assert check_password(made, ApiClient.objects.get().client_secret)


def test_a_changed_secret_is_reported_without_itself():
    apply(tenant(*client(secret="one-secret-of-the-till")))
    report = apply(tenant(*client(secret="another-secret-of-the-till")))
    assert report.lines[-1] == "changed    API client acme-pos  client_secret: ******** → ********"
    assert check_password("another-secret-of-the-till", ApiClient.objects.get().client_secret)


def test_active_false_stops_a_client():
    apply(tenant(*client()))
    apply(tenant(*client(rest=", active: false")))
    assert ApiClient.objects.get().active is False


def test_history_names_who():
    apply(tenant(*client()))
    assert Tenant.history.get().history_change_reason == "onboarding by test"
    assert ApiClient.history.get().history_change_reason == "onboarding by test"


def test_json_is_yaml():
    apply('{"tenants": [{"id": "acme", "name": "Acme \\u00e6", "mode": "events"}]}')
    assert Tenant.objects.get().name == "Acme æ"


def test_a_refused_file_stores_nothing_even_where_only_the_database_refuses():
    bolt = Tenant.objects.create(slug="bolt", name="Bolt", mode="events")
    save_client(bolt, ClientEntry(client_id="taken", scopes=["customer-orders:read"]))
    with pytest.raises(FileRefused) as refused:
        apply(tenant(*client(client_id="taken")))
    assert not Tenant.objects.filter(slug="acme").exists()
    assert str(refused.value) == (
        "acme.yaml was refused and nothing was stored: 1 fault.\n"
        "  acme.yaml:6: tenants[0].api_clients[0].client_id: 'taken' is already another client's; choose another"
    )


def test_a_section_that_refuses_undoes_the_whole_file(monkeypatch):
    from orders.onboarding import files
    from orders.values.problems import Conflict

    class Refusing:
        annotation, default = list, ()

        def apply(self, tenant, value, report):
            report.refuse("suppliers", 0, because="cannot be")
            raise Conflict("Not at all.")

    monkeypatch.setattr(files, "sections", lambda: {"suppliers": Refusing()})
    with pytest.raises(FileRefused) as refused:
        apply(tenant("suppliers: []"))
    assert [(str(fault)) for fault in refused.value.faults] == [
        "acme.yaml:5: tenants[0].suppliers[0]: cannot be",
        "acme.yaml:5: tenants[0].suppliers: Not at all.",
    ]
    assert not Tenant.objects.exists()


def test_secrets_are_in_no_message_and_no_repr():
    from orders.onboarding.model import ApiClientEntry

    assert "hidden-secret" not in repr(
        ApiClientEntry(client_id="a", client_secret="hidden-secret-of-the-till", scopes=["x"])
    )
    with pytest.raises(FileRefused) as refused:
        apply(tenant(*client(secret="hidden-secret", scopes="what:ever"), "nonsense: 1"))
    assert "hidden-secret" not in str(refused.value)


PEM = """-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArVYQ30Dh4hsMRIivwSqc
078GCh3Y9wx1QjIG3QPzOtthqBQFX0O7SUtOD3/o6tskCQnb42mifQ0KLCJioWSY
co+Np1uzgA85ozcHeCKEORIRfnBdjAc7J88ZOvdQeFpmHdS9eTUeN9hVG8l+Qjb/
VZy6AOR5+we1vSmkHh6Gpzirc/hi0Xart9tRZ8GTi8ABfOeUTEC+oxWSPqyG/mKc
K4jORGZyUnxJZK/cKTL2LdBI5yeuo0IRCoSgOTwsggnQEiMDqRMDF5c5t55dAPSh
H9sIXXZkTjvtrXHjBPDBOAId5inSXC8hAusfARyyDJOzA+KyS9NMaDDsjg0CBK54
VQIDAQAB
-----END PUBLIC KEY-----
"""


@pytest.mark.parametrize("name", ["no", "1", "null", "a: b # c", "- x", "æ €", "'q\"", "{a}", "1e3", "~", "2026-01-01"])
def test_odd_texts_survive_the_export(name):
    import json

    keys = [{"client_id": "a", "scopes": ["customer-orders:read"], "public_keys": [PEM]}]
    acme = {"id": "acme", "name": name, "mode": "events", "status_map": {name: "X"}, "api_clients": keys}
    apply(json.dumps({"tenants": [acme]}))
    text = export_tenant(Tenant.objects.get())
    assert apply(text).counts == {"created": 0, "changed": 0, "unchanged": 2}
    assert (Tenant.objects.get().name, Tenant.objects.get().status_map) == (name, {name: "X"})
    assert ApiClient.objects.get().public_keys == [PEM]
