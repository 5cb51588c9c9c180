"""The page that shows a change of a live tenant and asks, in a real Chromium, on a desk and on a phone."""

import pytest

from orders.models import Tenant
from orders.onboarding.files import apply_file
from suppliers.models import Supplier
from tests.pages.test_accessibility import findings
from tests.pages.test_onboarding_pages import on_the_phone, person  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FILE = b"""
tenants:
- id: acme
  name: Acme
  mode: events
  suppliers:
  - id: beans
    name: Beans Ltd
    item_patterns: ["BEAN-*"]
    api_client: {client_id: acme-beans, scopes: [supplier-orders:read]}
    webhook: {url: "https://beans.example/hook"}
"""


def test_a_person_sees_what_changes_and_its_effects_and_confirms_it(person):
    apply_file(FILE, file="acme.yaml", who="test")
    page, supplier = person.page, Supplier.objects.get()
    person.open(f"/admin/suppliers/supplier/{supplier.pk}/change/")
    page.get_by_label("Active").uncheck()
    page.fill("#id_name", "Beans and Company")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_load_state("networkidle")
    assert page.get_by_text("Nothing is changed yet.").is_visible()
    assert page.get_by_text("It keeps its open lines").is_visible()
    person.picture("confirmation")
    assert findings(page) == set()
    on_the_phone(person, "confirmation")
    Tenant.objects.update(name="Acme of Denmark")
    Supplier.objects.update(name="Beans of Denmark")
    person.press("Apply the change")
    assert page.get_by_text("the settings were changed in the meantime").is_visible()
    person.picture("confirmation-again")
    on_the_phone(person, "confirmation-again")
    person.press("Apply the change")
    supplier.refresh_from_db()
    assert (supplier.name, supplier.active) == ("Beans and Company", False)
    assert person.complaints == []
