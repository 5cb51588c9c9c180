"""How ``proxy-config`` appears in the OpenAPI document."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, RootModel

from orders.api.schema.components import MOMENT, Count
from orders.documents.value_types import Model, member, optional
from proxy.bodies import LONGEST

_CONTROL = r"\u0000-\u001f\u007f-\u009f"
Value = Annotated[str, Field(min_length=1, max_length=LONGEST, pattern=f"^[^{_CONTROL}]*$")]
UserName = Annotated[str, Field(min_length=1, max_length=LONGEST, pattern=f"^[^:{_CONTROL}]*$")]
WebAddress = Annotated[
    str, Field(min_length=1, max_length=LONGEST, pattern="^https?://", json_schema_extra={"format": "uri"})
]


class BasicCredentials(Model):
    username: UserName = member("The user's name, without a colon.", "hub")
    password: Value = member("The user's password.", "correct horse")


class BasicProxyConfig(Model):
    type: Literal["basic"] = member("How the hub logs in.")
    config: BasicCredentials = member("With what it logs in.")


class ClientCredentials(Model):
    client_id: Value = member("The client's id.", "hub")
    client_secret: Value = member("The client's secret.", "correct horse")
    auth_url: WebAddress = member("Where the hub fetches its token.", "https://oms.example/oauth2/token")


class OAuth2ProxyConfig(Model):
    type: Literal["oauth2"] = member("How the hub logs in.")
    config: ClientCredentials = member("With what it logs in.")


class ProxyConfig(RootModel[Annotated[BasicProxyConfig | OAuth2ProxyConfig, Field(discriminator="type")]]):
    """The credentials of the external service."""


class VerificationStep(Model):
    step: str = member("What was tried.", "Fetch a token")
    ok: bool = member("Whether the service did as it should.", True)
    ms: Count = member("How long it took, in milliseconds.", 84)
    detail: str = member("What came of it.", "The token is valid for 3600 s.")


class StoredProxyConfig(Model):
    type: Literal["basic", "oauth2"] = member("How the hub logs in.")
    config: dict[str, Any] = member("With what it logs in.", {"username": "hub", "password": "********"})
    verification: list[VerificationStep] = optional("With `verify=true`: the steps that were tried.")


class Drift(Model):
    pointer: str = member("Where, as a JSON pointer with * for any index.", "/customerOrder/items/*/unitPrice")
    expected: str = member("What the contract wants there.", "number")
    found: str = member("The type that was found, never a value.", "string")
    first_seen: datetime = member("When it was seen first.", MOMENT)
    last_seen: datetime = member("When it was seen last.", MOMENT)
    count: int = member("How often it was seen.", 12, ge=1)


class DriftList(Model):
    drift: list[Drift] = member("Each place that was seen.")


Verify = Annotated[Literal["true", "false"], optional("Store the credentials only when they work.")]
