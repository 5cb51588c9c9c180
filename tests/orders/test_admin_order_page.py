"""The page of an order: one timeline, with what stands behind each line shown on demand and nothing of others'."""

from __future__ import annotations

import pytest
from django.urls import reverse

from orders.access.staff import SUPPORT, give_role
from tests.admin_fixtures import EVIL

pytestmark = [pytest.mark.django_db, pytest.mark.both]


def part(client, subject):
    return client.get(reverse("admin:orders_order_part"), {"subject": subject})


def test_each_line_says_what_can_be_opened_beneath_it(root, furnished):
    html = root.get(reverse("admin:orders_order_change", args=(furnished.queue().pk,))).content.decode()
    event = furnished.queue().events.get()
    assert f'data-loads="{reverse("admin:orders_order_part")}?subject=event%3A{event.pk}"' in html
    assert "Show what was sent and each answer" in html
    assert 'data-copies="correlation-' in html
    assert "orders/timeline.js" in html


def test_an_events_body_is_shown_pretty_and_letter_for_letter(root, furnished):
    html = part(root, f"event:{furnished.queue().events.get().pk}").content.decode()
    assert "As received" in html
    assert "&quot;unitPrice&quot;: 19.90" in html
    assert EVIL not in html


def test_a_deliverys_tries_are_shown_with_request_and_answer(root, furnished):
    html = part(root, f"delivery:{furnished.deliveries[2].pk}").content.decode()
    assert "&quot;price&quot;: 19.90" in html
    assert "Attempt 1" in html
    assert "answered 503" in html
    assert str(furnished.deliveries[2].tries.get().request_id) in html
    assert EVIL not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("subject", ["", "event:", "event:no-uuid", "destination:1", "secret:1"])
def test_what_is_no_line_is_not_there(subject, root, furnished):
    assert part(root, subject).status_code in (403, 404)


def test_nobody_opens_a_line_of_another_tenant(bound, furnished):
    for subject in (f"event:{furnished.dead.pk}", f"delivery:{furnished.deliveries[0].pk}"):
        assert part(bound, subject).status_code == 403


def test_support_opens_a_line_without_personal_data(client, engine):
    from orders.models import OrderEvent

    engine.put()
    engine.drain()
    event = OrderEvent.objects.get()
    event.payload = event.payload.replace('"items"', '"customer": {"name": "Ada Lovelace"}, "items"')
    event.save(update_fields=["payload"])
    client.force_login(give_role("sue", role=SUPPORT, password="pass-of-sue").user)
    html = part(client, f"event:{event.pk}").content.decode()
    assert "Ada Lovelace" not in html
    assert "(masked)" in html
    assert "BEAN-1" in html


def test_an_orders_page_costs_a_fixed_number_of_queries(root, furnished, django_assert_max_num_queries):
    page = reverse("admin:orders_order_change", args=(furnished.queue().pk,))
    root.get(page)
    with django_assert_max_num_queries(32):
        root.get(page)
