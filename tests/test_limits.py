"""The page of limits names the place and the test of each, and both are there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = re.findall(
    r"^\| [^|]+ \| [^|]+ \| `([^`]+)` \| `([^`:]+)::(\w+)` \|$", (ROOT / "docs/reference/limits.md").read_text(), re.M
)


@pytest.mark.parametrize(("place", "file", "name"), ROWS, ids=[name for _, _, name in ROWS])
def test_the_place_and_the_test_of_a_limit_exist(place, file, name):
    assert (ROOT / place).is_file()
    assert re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.M)


def test_each_line_of_the_table_is_read():
    lines = [line for line in (ROOT / "docs/reference/limits.md").read_text().splitlines() if line.startswith("| ")]
    assert len(ROWS) == len(lines) - 1


BOUNDS = re.compile(r"MOST|LIMIT|MAX|LONGEST|LARGEST|DEEPEST|DEPTH|BYTES|_ROWS$|^ROWS$")
PARTS = ("config", "orders", "proxy", "suppliers", "orderflow")
NOT_OURS = ("simulator", "demo", "migrations")
OWN_WORK = {
    "shown on a page, in a line or in an answer": """
        config/doctor/work.py config/management/commands/licences.py orderflow/admin/products.py
        orders/admin/charts.py orders/admin/cutover/tenant_page.py orders/admin/dead_letters/rows.py
        orders/admin/home/tenants.py orders/admin/lookups.py orders/admin/orders/erasure.py orders/api/parameters.py
        orders/cutover/checklist.py orderflow/fulfilment.py
        orders/cutover/comparison/documents.py orders/cutover/comparison/rows.py orders/cutover/releases.py
        orders/cutover/requirements.py orders/dead_letters/causes.py orders/documents/checks.py
        orders/monitoring/attention.py
        orders/monitoring/invariants.py orders/onboarding/fields.py orders/onboarding/model.py
        orders/timeline/__init__.py orders/timeline/find.py orders/values/problems.py orderflow/integration.py
        proxy/bodies.py suppliers/views.py""",
    "rows or bytes at a time, of work that goes on": """
        orderflow/imports/reconciliation.py orders/admin/dead_letters/verbs.py orders/dead_letters/groups.py
        orders/inbox/applying.py orders/inbox/batch.py orders/integrations/erasure.py orders/management/load/batches.py
        orders/management/load/hub.py orders/management/load/position.py
        orders/retention/expired_rows.py orders/retention/history.py""",
    "memory of one process": """
        orders/access/bearer_tokens.py orders/access/throttle.py orders/cutover/comparison/answers.py
        orders/telemetry/counted_rows.py orders/telemetry/counters.py proxy/credentials.py""",
    "of what goes out": """
        orderflow/catalogue/product_documents.py orderflow/site/import_documents.py orders/outbox/destination_health.py
        orders/outbox/send_pool.py proxy/breaker.py""",
    "sizes of keys and secrets that the hub makes": """
        orderflow/onboarding/section.py orders/access/clients.py orders/access/sealing.py orders/access/second_step.py
        orders/access/sessions.py orders/access/staff.py orders/outgoing/signing.py suppliers/webhooks/settings.py""",
    "the libraries' own settings": "config/settings.py orders/cache/shared_cache.py",
}


def test_a_module_that_bounds_something_is_on_the_page_or_bounds_only_the_hubs_own_work():
    decided = {place for place, _, _ in ROWS} | {place for places in OWN_WORK.values() for place in places.split()}
    assert sorted({place for place, _ in bounds()} - decided) == []


def test_modules_that_bound_only_the_hubs_own_work_do_bound_something():
    there = {place for place, _ in bounds()}
    assert sorted(place for places in OWN_WORK.values() for place in places.split() if place not in there) == []


def bounds() -> Iterator[tuple[str, str]]:
    """(module, constant) of every constant at the top of a module whose name says that it bounds something."""
    for path in sorted(path for part in PARTS for path in (ROOT / part).rglob("*.py")):
        place = path.relative_to(ROOT).as_posix()
        if not any(word in place for word in NOT_OURS):
            yield from ((place, name) for name in constants(path) if BOUNDS.search(name))


def constants(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text()).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            yield from (name.id for name in names if isinstance(name, ast.Name) and name.id.isupper())
