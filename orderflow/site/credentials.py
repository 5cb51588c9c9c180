"""A channel's password: sealed, bound to its row."""

from __future__ import annotations

from orderflow.models import OrderFlowChannel
from orders.access.sealing import open_secret, store_secret

KIND = "orderflow_password"


def _owner(channel: OrderFlowChannel) -> str:
    return f"orderflow.orderflowchannel:{channel.pk}"


def store_password(channel: OrderFlowChannel, password: str) -> None:
    store_secret(tenant_id=channel.destination.tenant_id, kind=KIND, owner=_owner(channel), value=password)


def password_of(channel: OrderFlowChannel) -> str | None:
    """None where none was ever entered. Raises SecretLost."""
    return open_secret(tenant_id=channel.destination.tenant_id, kind=KIND, owner=_owner(channel))
