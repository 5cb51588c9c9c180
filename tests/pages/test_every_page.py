"""Every page that the URL configuration has, in a real Chromium: no complaint of the browser, nothing serious for axe,
as wide as the screen. A new page falls under this by itself. Takes minutes; the pages that people use most are in
test_accessibility.py, which the suite runs.
"""

import json
import re

import pytest

from tests.orders.roles_rows import one_of_every_model
from tests.orders.test_roles_pages import PEOPLE_AT_WORK, address, expected, patterns
from tests.pages.test_accessibility import ARTEFACTS, DESKTOP, PHONE, findings, signed_in  # noqa: F401
from tests.pages.test_console import Console

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.django_db(transaction=True)]

NO_PAGES = {
    "logout", "jsi18n", "orders_order_part", "orders_tenant_export", "orders_tenant_cutover_missing",
    "orders_selftest_report", "orderflow_product_export_csv", "orderflow_product_export_xlsx", "search",
}  # fmt: skip
"""Files, and pieces of pages."""
ROOT = PEOPLE_AT_WORK.index("superuser")
RAW = re.compile(r"\bNone\b(?! of| came)|\d{4}-\d\d-\d\dT\d\d:\d\d|\bobject \(\d+\)|<[A-Z]\w+: ")
"""What a page says when a value was put on it as a program has it."""
WORDS = """() => {
  const copy = document.body.cloneNode(true);
  copy.querySelectorAll("pre, script, style, input, textarea, select").forEach((one) => one.remove());
  return copy.textContent;
}"""
"""All but the documents of orders and partners."""


def pages(rows):
    for name, pattern in patterns():
        if name not in NO_PAGES and expected(name)["get"][ROOT] == 200:
            yield name, address(name, pattern, rows)


def judged(person, name):
    """What is wrong with the page as it stands."""
    page = person.page
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        person.picture(f"every-{name}-{size['width']}")
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            yield f"wider than {size['width']}"
    yield from map(str, findings(page))
    yield from (f"says {words!r}" for words in set(RAW.findall(page.evaluate(WORDS))))


def test_every_page_opens_for_everybody(signed_in, live_server, furnished):
    person, wrong = Console(signed_in, live_server.url), {}
    for name, path in pages(one_of_every_model(furnished.tenant)):
        person.open(path)
        if found := list(judged(person, name)):
            wrong[name] = found
    (ARTEFACTS / "every-page.json").write_text(json.dumps(wrong, indent=1))
    assert wrong == {}
    assert person.complaints == []
