"""Whatever column of a row that the hub writes quotes a mail address, support reads it on no page: new columns too."""

import json
import re

import pytest
from django.contrib import admin
from django.db import models, transaction
from django.db.utils import DataError, IntegrityError
from django.forms.models import _get_foreign_key
from django.test import Client
from django.utils import timezone

from orders.access.staff import OPERATOR, SUPPORT, give_role
from orders.dead_letters.causes import cause_of
from orders.models import Delivery, OperatorAction, OrderEvent, OrderRelease
from tests.orders.roles_rows import made, one_of_every_model
from tests.orders.test_roles_pages import EVIDENCE, PEOPLE_AT_WORK, address, expected, patterns
from tests.orders.test_roles_values import shaped

pytestmark = pytest.mark.django_db

KEPT = {
    "business_unit_id", "customer_order_id", "customer_id", "reference", "order_reference", "correlation_id",
    "despatch_reference", "kind", "key", "subject", "road", "token", "who", "action", "outcome", "item_id", "member",
    "pointer", "page", "event_type", "timestamp", "digest", "counts", "log",
}  # fmt: skip
"""Ids, codes and times, which staff search by; no column of words is called so."""
OF_NOBODY = {
    "orders.Order.status", "orders.UnknownContent.name",
    "orders.Destination.state_reason", "orderflow.Despatch.lines", "suppliers.StockLevel.available",
    "suppliers.StockLevel.expected_date", "proxy.ContractDrift.expected", "proxy.ContractDrift.found",
    "orders.Destination.name", "orders.Destination.channel", "orders.Destination.retry_schedule",
    "suppliers.Webhook.url", "suppliers.Webhook.events", "suppliers.Webhook.auth_config", "proxy.ProxyConfig.public",
}  # fmt: skip
"""Settings, amounts, types of JSON; and why a destination stands, which is scrubbed when it is written
(orders.outbox.destination_health.shown_to_all)."""
BODIES = {"document", "payload", "body", "here", "there"}
"""JSON of ours and of partners."""
MAIL = re.compile(rb"v(\d+)@leak\.example")


def signed_in(role):
    client = Client()
    client.force_login(give_role(role, role=role, password="a long enough password 1").user)
    return client


def evidence(tenant):
    """A row of every model of evidence, of what its page shows beneath it, and of what a cut-over page shows."""
    rows = one_of_every_model(tenant)
    for model, its in admin.site._registry.items():
        if model._meta.label in EVIDENCE:
            yield rows[model]
            for inline in its.inlines:
                link = _get_foreign_key(model, inline.model).name
                found = inline.model._default_manager.filter(**{link: rows[model]}).last()
                yield found or made(inline.model, tenant)
    of_the_move = f"tenant:{tenant.pk}"
    yield OperatorAction.objects.create(tenant=tenant, who="maria", action="switch mode", subject=of_the_move)
    yield OrderRelease.objects.create(tenant=tenant, who="maria", reason="", choice={})


def columns(row):
    for field in row._meta.concrete_fields:
        words = isinstance(field, (models.CharField, models.TextField, models.JSONField)) and not field.choices
        if words and field.name not in KEPT and f"{row._meta.label}.{field.name}" not in OF_NOBODY:
            yield field


def as_json(text):
    try:
        return json.loads(text)
    except ValueError:
        return {}


def quoting(row, field, mail):
    if field.name in BODIES:
        before = as_json(getattr(row, field.name))
        order = before.get("customerOrder", before)
        order["customer"] = {"email": mail}
        return json.dumps(before)
    formed = shaped(f"left with {mail}").get(f"{row._meta.label}.{field.name}")
    if formed is not None:
        return formed
    return [f"left with {mail}"] if isinstance(field, models.JSONField) else f"left with {mail}"[: field.max_length]


WITH = {"suppliers.SupplierPart.status": {"status_at": timezone.now()}}
"""What must stand beside a column for the database to take it."""


def plant(rows):
    """Number of the address -> column."""
    planted = {}
    for row in rows:
        for field in columns(row):
            mail = f"v{len(planted) + 1}@leak.example"
            try:
                with transaction.atomic():
                    same = type(row)._default_manager.filter(pk=row.pk)
                    column = f"{row._meta.label}.{field.name}"
                    if same.update(**{field.name: quoting(row, field, mail)} | WITH.get(column, {})):
                        planted[len(planted) + 1] = column
            except (IntegrityError, DataError):
                continue
    return planted


def read(client, urls):
    """Number of the address -> the pages that show it."""
    told = {}
    for url in urls:
        response = client.get(url, follow=True)
        data = b"".join(response.streaming_content) if response.streaming else response.content
        for number in set(MAIL.findall(data)):
            told.setdefault(int(number), []).append(url)
    return told


def pages(tenant):
    """Every page that support may open, those of the planted rows and causes among them."""
    rows = one_of_every_model(tenant)
    support = PEOPLE_AT_WORK.index("support")
    for name, pattern in patterns():
        if name != "logout" and expected(name)["get"][support] == 200:
            yield address(name, pattern, rows)
    for road, model in (("events", OrderEvent), ("supplier", Delivery)):
        for error in model.objects.dead().values_list("error", flat=True):
            yield f"/admin/orders/repairrun/dead/{road}/{cause_of(error)}/"


def test_support_reads_no_mail_address_that_any_column_quotes(furnished):
    planted = plant(evidence(furnished.tenant))
    assert len(planted) > 30
    told = read(signed_in(SUPPORT), pages(furnished.tenant))
    assert {planted[number]: urls for number, urls in told.items()} == {}


def test_an_operator_reads_most_of_them(furnished):
    planted = plant(evidence(furnished.tenant))
    own = [url for url in pages(furnished.tenant) if url.endswith("/change/")]
    assert len(read(signed_in(OPERATOR), own)) > len(planted) / 2


def named():
    """(admin, whose columns, the class that names them, column) of every column that is covered."""
    for its in admin.site._registry.values():
        for cls, model in ((type(its), its.model), *((inline, inline.model) for inline in its.inlines)):
            for column in getattr(cls, "personal", ()):
                yield its, model, cls, column


@pytest.mark.long
def test_a_column_that_nobody_names_is_seen(furnished, monkeypatch):
    """The tests above can fail: without its name, each column but those of no page would show."""
    numbers = {column: number for number, column in plant(evidence(furnished.tenant)).items()}
    support, every, unseen = signed_in(SUPPORT), list(pages(furnished.tenant)), set()
    for its, model, cls, column in named():
        own = [url for url in every if f"/{its.opts.app_label}/{its.opts.model_name}/" in url]
        with monkeypatch.context() as patched:
            patched.setattr(cls, "personal", {one: kind for one, kind in cls.personal.items() if one != column})
            if numbers[f"{model._meta.label}.{column}"] not in read(support, own):
                unseen.add(f"{model._meta.label}.{column}")
    assert unseen == {"orders.OrderEvent.owes"}
