"""The events that the applied changes of one batch require for the tenant's suppliers.

Reads its rows in four queries per batch, updates them in memory while the changes are planned in sequence, and writes
them in bulk in ``save``, in the applying transaction. The lease of the order's queue keeps two workers off one order;
if a lease was outlived, the unique constraints of part and case decide. An operator may discard a delivery between
reading and writing: parts are written only if all that was read of them is as it was (PartChanged).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from django.db.models import QuerySet

from orders.database.bulk_sql import Columns
from orders.documents.status_words import is_cancelled
from orders.integrations.channels import Change, NotRequired, RequiredDelivery
from orders.models import Tenant, TimelineEntry
from orders.values.order_key import OrderKey
from suppliers.models import Notice, OrderCase, Supplier, SupplierPart
from suppliers.order_data.parts import Claim, Item, split, value_digest, visible_order
from suppliers.webhooks.events import Case, case_in, minted_case, render_event
from suppliers.webhooks.notification_rules import LastNotified, RequiredEvents, Share, required_events

PartKey = tuple[OrderKey, int]
_REQUIRED = ("owed_sequence", "owed_digest", "owed_cancelled", "owed_lines")
"""What the last required event left in the part: all that planning reads of it and writes."""
_REMEMBERED = Columns(SupplierPart, "id", *_REQUIRED, *_REQUIRED)
_REMEMBER = """
    WITH new (id, read_sequence, read_digest, read_cancelled, read_lines, sequence, digest, cancelled, lines)
        AS ({rows})
    UPDATE suppliers_supplierpart AS part SET owed_sequence = new.sequence, owed_digest = new.digest,
        owed_cancelled = new.cancelled, owed_lines = new.lines
    FROM new WHERE part.id = new.id AND part.owed_sequence = new.read_sequence AND part.owed_digest = new.read_digest
        AND part.owed_cancelled = new.read_cancelled AND part.owed_lines = new.read_lines
"""


class PartChanged(LookupError):
    """A supplier's part of an order changed while its next event was planned; the batch is planned again."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class SupplierPlanner:
    """See orders.integrations.channels.Planner."""

    def __init__(self, tenant: Tenant, keys: Sequence[OrderKey]) -> None:
        self._tenant = tenant
        self._suppliers = tenant_suppliers(tenant)
        self._claims = [Claim(supplier.pk, supplier.item_patterns) for supplier in self._suppliers]
        self._parts: dict[PartKey, SupplierPart] = {}
        self._read: dict[int, tuple[Any, ...]] = {}
        self._cases: dict[OrderKey, OrderCase] = {}
        self._touched: dict[PartKey, SupplierPart] = {}
        self._made: list[OrderCase] = []
        self._notices: list[Notice] = []
        self._unclaimed: list[tuple[Change, list[str]]] = []
        if self._suppliers:
            self._load(keys)

    def _load(self, keys: Sequence[OrderKey]) -> None:
        wanted = set(keys)
        parts = _of_orders(SupplierPart.objects.all(), self._tenant, wanted)
        self._parts = {(part.key, part.supplier_id): part for part in parts if part.key in wanted}
        self._read = {part.pk: _required(part) for part in self._parts.values()}
        cases = _of_orders(OrderCase.objects.all(), self._tenant, wanted)
        self._cases = {case.key: case for case in cases if case.key in wanted}

    def plan(self, change: Change) -> Iterable[RequiredDelivery | NotRequired]:
        """The deliveries that the change requires, or why not, per supplier in the order of the onboarding file."""
        shares = split(change.after["items"], self._claims)
        self._note_unclaimed(change, shares.get(None, []))
        answers = (self._plan_one(change, supplier, shares.get(supplier.pk, [])) for supplier in self._suppliers)
        return [one for one in answers if one is not None]

    def save(self) -> None:
        """Store parts, new cases, notices and timeline entries; makes no query for what is empty."""
        OrderCase.objects.bulk_create(self._made)
        new = [part for part in self._touched.values() if part._state.adding]
        known = [part for part in self._touched.values() if not part._state.adding]
        SupplierPart.objects.bulk_create(new)
        self._save_known(sorted(known, key=lambda part: part.pk))
        for notice in self._notices:
            notice.part_id = notice.part.pk
        Notice.objects.bulk_create(self._notices)
        self._add_timeline_entries()

    def _save_known(self, parts: Sequence[SupplierPart]) -> None:
        """Their lanes are already locked (orders.outbox.planning), so a discard happens before or after."""
        rows = [(part.pk, *self._read[part.pk], *_required(part)) for part in parts]
        SupplierPart.hold(pk__in=[part.pk for part in parts])
        if _REMEMBERED.execute(_REMEMBER, rows) != len(rows):
            raise PartChanged

    def _plan_one(self, change: Change, supplier: Supplier, items: list[Item]) -> RequiredDelivery | NotRequired | None:
        part = self._parts.get((change.key, supplier.pk))
        last = _last_notified(part)
        if last is None and (refused := _first_refusal(change, supplier, items)) is not None:
            return _reason(supplier, refused.because)
        case = self._case(change)
        share = _share(change, items, case)
        due = required_events(last, share, subscribed=supplier.subscribed)
        if due.event_type is None:
            return _reason(supplier, due.because)
        return self._add_notice(change, self._remember(change, supplier, share), case, due.event_type)

    def _add_notice(self, change: Change, part: SupplierPart, case: Case, event_type: str) -> RequiredDelivery | None:
        body = render_event(event_type, case=case, order_token=part.token, made_at=change.applied_at)
        notice = Notice(
            supplier=part.supplier,
            part=part,
            sequence=change.sequence,
            event_type=event_type,
            body=body,
            made_at=change.applied_at,
        )
        self._notices.append(notice)
        destination_id = _destination_id(part.supplier)
        return (
            None if destination_id is None else RequiredDelivery(destination_id, event_type, body, reference=part.token)
        )

    def _remember(self, change: Change, supplier: Supplier, share: Share) -> SupplierPart:
        """Store the state of this event in the part; a new part gets a new order token."""
        key = (change.key, supplier.pk)
        part = self._parts.get(key) or SupplierPart(
            supplier=supplier,
            tenant=self._tenant,
            business_unit_id=change.key.business_unit_id,
            customer_order_id=change.key.customer_order_id,
        )
        part.owed_digest = share.digest
        part.owed_cancelled = is_cancelled(share.status)
        part.owed_lines = share.has_lines
        part.owed_sequence = change.sequence
        self._parts[key] = self._touched[key] = part
        return part

    def _case(self, change: Change) -> Case:
        """The document's case, or the one that was minted for the order."""
        given = case_in(change.after)
        if given is not None:
            return given
        minted = self._cases.get(change.key)
        if minted is None:
            minted = OrderCase(
                tenant=self._tenant,
                business_unit_id=change.key.business_unit_id,
                customer_order_id=change.key.customer_order_id,
                uuid=uuid4(),
                token=uuid4(),
            )
            self._cases[change.key] = minted
            self._made.append(minted)
        return case_of_row(minted, case_type=self._tenant.case_type)

    def _note_unclaimed(self, change: Change, items: list[Item]) -> None:
        """Note lines without a supplier, if they differ from those before the change."""
        if not self._suppliers:
            return
        now = _item_ids(items)
        before = split((change.before or {}).get("items", ()), self._claims).get(None, [])
        if now and now != _item_ids(before):
            self._unclaimed.append((change, now))

    def _add_timeline_entries(self) -> None:
        lines = [_no_supplier(change, item_ids) for change, item_ids in self._unclaimed]
        lines += [_ready(notice) for notice in self._notices if _destination_id(notice.supplier) is None]
        TimelineEntry.objects.bulk_create(lines)


def tenant_suppliers(tenant: Tenant) -> list[Supplier]:
    """The tenant's suppliers in the order of the onboarding file. A stopped one keeps its lines."""
    return list(Supplier.objects.filter(tenant=tenant).select_related("webhook").order_by("position", "pk"))


def case_of_row(row: OrderCase, *, case_type: str) -> Case:
    return minted_case(row.customer_order_id, case_uuid=row.uuid, token=row.token, case_type=case_type)


def _of_orders(rows: QuerySet[Any], tenant: Tenant, keys: set[OrderKey]) -> QuerySet[Any]:
    """Filtered by order id, with which the index begins; the caller drops the same id of other business units."""
    return rows.filter(tenant=tenant, customer_order_id__in={key.customer_order_id for key in keys})


def _share(change: Change, items: Sequence[Item], case: Case) -> Share:
    visible = visible_order(change.after, items, business_unit_id=change.key.business_unit_id)
    digest = value_digest({**visible, "case": case.as_json()})
    return Share(status=change.after["status"], has_lines=bool(items), digest=digest)


def _required(part: SupplierPart) -> tuple[Any, ...]:
    return tuple(getattr(part, name) for name in _REQUIRED)


def _last_notified(part: SupplierPart | None) -> LastNotified | None:
    if part is None or part.owed_sequence == SupplierPart.NEVER_OWED:
        return None
    return LastNotified(cancelled=part.owed_cancelled, has_lines=part.owed_lines, digest=part.owed_digest)


def _first_refusal(change: Change, supplier: Supplier, items: Sequence[Item]) -> RequiredEvents | None:
    """Why a supplier without a part is not notified, decided before a case is minted; None when it is."""
    first = Share(status=change.after["status"], has_lines=bool(items), digest="")
    due = required_events(None, first, subscribed=supplier.subscribed)
    return due if due.event_type is None else None


def _destination_id(supplier: Supplier) -> int | None:
    """None for a supplier without a webhook, which pulls its events."""
    webhook = getattr(supplier, "webhook", None)
    return None if webhook is None else webhook.destination_id


def _reason(supplier: Supplier, because: str) -> NotRequired | None:
    destination_id = _destination_id(supplier)
    return None if destination_id is None else NotRequired(destination_id, because)


def _line(key: OrderKey, **columns: str) -> TimelineEntry:
    return TimelineEntry(
        tenant_id=key.tenant_id,
        business_unit_id=key.business_unit_id,
        customer_order_id=key.customer_order_id,
        road="supplier",
        **columns,
    )


def _no_supplier(change: Change, item_ids: list[str]) -> TimelineEntry:
    return _line(
        change.key,
        what=f"No supplier for {len(item_ids)} item(s)",
        detail="No supplier's pattern matches " + ", ".join(item_ids[:20]) + ".",
        correlation_id=change.correlation_id,
    )


def _ready(notice: Notice) -> TimelineEntry:
    return _line(
        notice.part.key,
        what=f"{notice.event_type} ready for {notice.supplier.name} to receive"[:200],
        detail="The supplier has no webhook; it asks for its events itself.",
        reference=notice.part.token,
    )


def _item_ids(items: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted({item["itemId"] for item in items})
