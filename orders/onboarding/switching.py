"""Switch a tenant on and off, and from one mode to another; and what a switch would change.

Nothing is lost by a switch: pending work stays in its rows. While a tenant is off, its tokens are refused and its
pending rows are not attempted; when it is switched on, the sweep continues with them.

Integrations add their notes on a mode with ``Integration.mode_notes``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction
from pydantic import TypeAdapter, ValidationError

from orders.http.modes import check_mode
from orders.integrations import integrations
from orders.integrations.console import ModeNote
from orders.models import Lane, OperatorAction, OrderQueue, Tenant
from orders.onboarding import mode_change as migration
from orders.onboarding.fields import HttpUrl
from orders.queueing.wake_ups import wake_inbound, wake_outbound
from orders.values.problems import Problem

ADDRESSES = (
    ("GET", "/api/v1/business-units/u/customer-orders/o", "read one order"),
    ("POST", "/api/v1/business-units/u/customer-orders:search", "search orders"),
    ("PUT", "/api/v1/business-units/u/customer-orders/o", "send an order"),
    ("POST", "/api/v1/customer-orders:load", "load many orders"),
    ("POST", "/api/v1/migration/orders", "name orders that the tenant's system knows"),
    ("GET", "/api/v1/business-units/u/customer-orders/o/fulfilment", "read what suppliers and warehouses did"),
    ("GET", "/api/v1/stock", "read suppliers' stock"),
    ("GET", "/api/v1/order-events", "ask what became of an order that was sent"),
    ("POST", "/api/v1/order-events/e:retry", "retry or discard orders that failed"),
    ("PUT", "/api/v1/orderflow-channels/c/products/s", "send products to warehouses"),
)
"""A method, an address of each kind and what it is for; ``orders.http.modes`` says when it answers."""


class SwitchRefused(Exception):
    """The switch cannot be made as asked; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Pending work of a tenant."""

    orders: int
    """Orders with events to apply."""
    deliveries: int
    """Orders with something to send, per supplier and warehouse."""

    def __str__(self) -> str:
        orders = f"{self.orders} order{'' if self.orders == 1 else 's'} with events to apply"
        lanes = f"{self.deliveries} order{'' if self.deliveries == 1 else 's'} with something to send"
        return f"{orders} and {lanes}"


@dataclass(frozen=True, slots=True)
class ModePlan:
    """What switching to ``mode`` would change."""

    mode: str
    starts: Sequence[str]
    stops: Sequence[str]
    notes: Sequence[ModeNote]


def waiting(tenant: Tenant) -> Waiting:
    """Count the pending work over the partial indexes of ``due_at``."""
    return Waiting(
        OrderQueue.objects.filter(tenant=tenant, due_at__isnull=False).count(),
        Lane.objects.filter(destination__tenant=tenant, due_at__isnull=False).count(),
    )


def mode_plan(tenant: Tenant, mode: str, *, external_url: str | None = None) -> ModePlan:
    """What switching to ``mode`` would change; ``external_url`` None means the stored one."""
    after = Tenant(pk=tenant.pk, slug=tenant.slug, mode=mode)
    before, later = set(_answering(tenant)), set(_answering(after))
    words = [f"{what} ({method})" for method, _, what in ADDRESSES]
    notes = [*_core_notes(tenant, mode, tenant.external_url if external_url is None else external_url)]
    notes += _migrating_notes(tenant, mode)
    notes += [note for one in integrations() for note in one.mode_notes(tenant, mode)]
    starts, stops = later - before, before - later
    return ModePlan(mode, [w for w in words if w in starts], [w for w in words if w in stops], notes)


def switch_mode(tenant: Tenant, mode: str, *, who: str, reason: str, external_url: str | None = None) -> Tenant:
    """Switch the mode and record the reason; stores a given address if the mode needs it. Raises SwitchRefused."""
    _want_reason(reason)
    with transaction.atomic():
        locked = Tenant.objects.select_for_update().get(pk=tenant.pk)
        _want(mode != locked.mode, f"{locked} is in {mode} mode already; nothing was changed.")
        url = locked.external_url if external_url is None else _checked_url(external_url)
        blocking = [note.words for note in mode_plan(locked, mode, external_url=url).notes if note.blocks]
        _want(not blocking, " ".join(blocking))
        if mode != Tenant.Mode.EVENTS and url != locked.external_url:
            because = [why for one in integrations() if (why := one.why_not_read_from(locked, url))]
            _want(not because, " ".join(because))
            locked.external_url = url
            _save(locked, ["external_url"], f"mode switched by {who}")
        switched = migration.switch_mode(locked, mode, who=who, reason=reason)
    _wake()
    return switched


def switch_active(tenant: Tenant, *, active: bool, who: str, reason: str) -> Tenant:
    """Switch on or off and record the reason. Raises SwitchRefused when it is so already."""
    _want_reason(reason)
    word = "on" if active else "off"
    with transaction.atomic():
        locked = Tenant.objects.select_for_update().get(pk=tenant.pk)
        _want(locked.active != active, f"{locked} is switched {word} already; nothing was changed.")
        locked.active = active
        _save(locked, ["active"], f"switched {word} by {who}")
        _record(locked, f"switch {word}", f"switched {word}", who=who, reason=reason)
    if active:
        _wake()
    return locked


def _answering(tenant: Tenant) -> Iterable[str]:
    for method, path, what in ADDRESSES:
        try:
            check_mode(tenant, path, method)
        except Problem:
            continue
        yield f"{what} ({method})"


def _core_notes(tenant: Tenant, mode: str, external_url: str) -> Iterable[ModeNote]:
    if mode != Tenant.Mode.EVENTS and not external_url:
        yield ModeNote(f"Write the tenant's external URL: in {mode} mode orders come from there.", blocks=True)
    pending = waiting(tenant)
    if pending.orders or pending.deliveries:
        yield ModeNote(f"{pending}: this work goes on in the new mode.")
    else:
        yield ModeNote("Nothing is pending.")
    if mode == Tenant.Mode.EVENTS:
        yield ModeNote("Orders are read from what was sent to the hub; one that was never sent is unknown (404).")
    else:
        yield ModeNote("Orders are read from the tenant's own order service; what is stored here is kept.")
    if mode == Tenant.Mode.PROXY:
        yield ModeNote("Suppliers and warehouses are not notified of new orders.")


def _migrating_notes(tenant: Tenant, mode: str) -> Iterator[ModeNote]:
    """What the plain switch to migrating ends; the return on the cut-over page does not end it."""
    if mode != Tenant.Mode.MIGRATING:
        return
    if tenant.mode == Tenant.Mode.EVENTS:
        yield ModeNote(
            "Notifications are switched off: from then on suppliers and warehouses get no new order and no change, "
            "until somebody sets on the cut-over page from when to notify them.",
            warns=True,
        )
        yield ModeNote("Pending deliveries are still sent; pending events are applied, and nobody is notified of them.")
        yield ModeNote(
            "An order first received while nobody is notified is known before: nobody is notified until it is released."
        )
        yield ModeNote(
            "To let its own system answer reads while suppliers and warehouses stay notified, use Return to "
            "migrating on the cut-over page instead.",
            warns=True,
        )
    else:
        yield ModeNote(
            "Orders that it sends are stored and compared; suppliers and warehouses are not notified of them."
        )


def _checked_url(text: str) -> str:
    try:
        return str(TypeAdapter(HttpUrl).validate_python(text)) if text else ""
    except ValidationError as error:
        because = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise SwitchRefused(f"The external URL {because}.") from None


def _want_reason(reason: str) -> None:
    _want(bool(reason.strip()), "Write a reason first; nothing was changed.")


def _want(holds: bool, words: str) -> None:
    if not holds:
        raise SwitchRefused(words)


def _save(tenant: Tenant, fields: list[str], note: str) -> None:
    tenant._change_reason = note[:100]  # type: ignore[attr-defined]  # read by simple_history
    tenant.save(update_fields=[*fields, "updated_at"])


def _record(tenant: Tenant, action: str, outcome: str, *, who: str, reason: str) -> None:
    OperatorAction.objects.create(
        tenant=tenant, who=who, action=action, subject=f"tenant:{tenant.pk}", reason=reason, outcome=outcome
    )


def _wake() -> None:
    """A hint only; the sweep finds the rows without it."""
    wake_inbound()
    wake_outbound()
