"""``proxy_auth`` of the onboarding file (docs/reference/onboarding-file.md#tenant): the same bodies as over the API."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from orders.access.sealing import SecretLost
from orders.integrations.onboarding_report import Report
from orders.models import Tenant
from orders.onboarding.fields import MASK, SENT_ELSEWHERE, Entry, HttpUrl, SecretText, Words, to_store
from proxy.credentials import locked_config, masked, store, stored_secret, would_go_elsewhere
from proxy.models import ProxyConfig


def _no_colon(text: str) -> str:
    if ":" in text:
        raise ValueError("must have no colon: Basic authentication cannot carry one")
    return text


class BasicConfig(Entry):
    username: Annotated[Words, AfterValidator(_no_colon)]
    password: SecretText | None = None


class OAuth2Config(Entry):
    client_id: Words = Field(alias="clientId")
    client_secret: SecretText | None = Field(default=None, alias="clientSecret")
    auth_url: HttpUrl = Field(alias="authUrl")


class BasicAuth(Entry):
    type: Literal["basic"]
    config: BasicConfig


class OAuth2Auth(Entry):
    type: Literal["oauth2"]
    config: OAuth2Config


class Kept:
    """In the place of a value that the file does not have."""


KEPT = Kept()
ANOTHER_HOST = (
    "is on another host: enter the secret again together with it, on the onboarding page or as proxy_auth of the "
    "onboarding file; the stored one would otherwise be sent there"
)


class ProxyAuth:
    """Absent keeps what is stored, since the tenant sets it over the API too."""

    annotation: Any = Annotated[BasicAuth | OAuth2Auth, Field(discriminator="type")] | None
    default: Any = KEPT

    def apply(self, tenant: Tenant, value: BasicAuth | OAuth2Auth | Kept | None, report: Report) -> None:
        if isinstance(value, Kept) or value is None:
            _keep(tenant, report)
            return
        wanted = ProxyConfig(tenant=tenant, type=value.type, set_by=ProxyConfig.SetBy.OPS)
        members = value.config.model_dump(by_alias=True)
        given = to_store(members.pop(wanted.secret_member))
        wanted.public = members
        before = locked_config(tenant.pk)
        if given is None and (before is None or before.type != wanted.type or _secret_of(before) is None):
            report.refuse("proxy_auth", "config", wanted.secret_member, because="is needed: none is stored yet")
            return
        if given is None and before is not None and _goes_elsewhere(before, tenant, report, members.get("authUrl", "")):
            report.refuse("proxy_auth", "config", wanted.secret_member, because=SENT_ELSEWHERE)
            return
        _bring(before, wanted, secret=given, report=report)

    def export(self, tenant: Tenant) -> Any:
        config = ProxyConfig.objects.filter(tenant_id=tenant.pk).first()
        return masked(config) if config else None


def _keep(tenant: Tenant, report: Report) -> None:
    config = locked_config(tenant.pk) if tenant.external_url != report.read_from else None
    if config and _goes_elsewhere(config, tenant, report):
        report.refuse("external_url", because=ANOTHER_HOST)


def _goes_elsewhere(stored: ProxyConfig, tenant: Tenant, report: Report, auth_url: str = "") -> bool:
    before = tenant.external_url if report.read_from is None else report.read_from
    return would_go_elsewhere(stored, before=before, after=tenant.external_url, auth_url=auth_url)


def _bring(before: ProxyConfig | None, wanted: ProxyConfig, *, secret: str | None, report: Report) -> None:
    """Ops who change something else and repeat the ``authUrl`` that a tenant set do not make it their own word."""
    what = f"proxy_auth {wanted.tenant.slug}"
    changes = _changes(before, wanted, secret) if before else []
    if before and not changes:
        report.unchanged(what)
        return
    if before and before.type == wanted.type and before.public.get("authUrl") == wanted.public.get("authUrl"):
        wanted.set_by = before.set_by
    store(wanted, secret, reason=report.note[:100])
    if before is None:
        report.created(what)
    for member, old, new in changes:
        report.changed(what, member, old, new)


def _changes(before: ProxyConfig, wanted: ProxyConfig, secret: str | None) -> list[tuple[str, Any, Any]]:
    old, new = ({"type": config.type, **config.public} for config in (before, wanted))
    names = dict.fromkeys([*old, *new])
    changes = [(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]
    if secret is not None and secret != _secret_of(before):
        changes.append((wanted.secret_member, MASK, MASK))
    return changes


def _secret_of(config: ProxyConfig) -> str | None:
    try:
        return stored_secret(config)
    except SecretLost:
        return None
