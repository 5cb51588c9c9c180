"""A tenant with orders that keep changing is moved, with faults planted on the way; ``make migration-drill`` at length.

Measured figures are printed (pytest -s, or the captured output of a failure).
"""

import json
import os
import random
import time

import pytest

from orders.cutover.checklist import checklist
from orders.cutover.requirements import CutOverRule, store_rule
from orders.cutover.switch import EFFECT_SECONDS, CutOverRefused, cut_over, go_back
from orders.models import Delivery, Difference, Order, OrderEvent, Tenant
from orders.onboarding.mode_change import switch_mode
from tests.migration_drill.scene import SECRET, scene
from tests.migration_drill.shop import LIVING, Shop, key_of, order
from tests.migration_drill.till import Till, answers, document, searches
from tests.processes import wait_until

pytestmark = [pytest.mark.long, pytest.mark.needs_postgres, pytest.mark.needs_redis]

ORDERS = int(os.environ.get("HUB_TEST_DRILL_ORDERS", "300"))
READ_MOST = 2_000
"""Orders read before and after, drawn by lot where there are more: some seconds each time."""
MISSING, WRONG = set(range(LIVING, LIVING + 7)), set(range(LIVING + 10, ORDERS, 15))
"""Old orders that are not in the first file; such whose price is wrong there, every fifteenth: 6 %."""
WRONG_READ = 20
"""Of these, by tills, before the first try to cut over."""
RULE = CutOverRule(match_percent=97.0, hours=1, comparisons=200, waiting_seconds=30)
"""A drill has minutes, not days: the planted faults stay within its hour."""
PATIENCE = 300
"""Seconds; a few on a machine of its own."""
APPLY_SECONDS = PATIENCE + ORDERS / 50


@pytest.fixture
def stage(hub_environ, empty_redis, tmp_path):
    with scene(hub_environ, tmp_path) as made:
        yield made


def drill_tenant():
    return Tenant.objects.get(slug="drill")


def test_a_tenant_is_moved_without_a_bad_night(stage):
    keys = chosen_keys()
    shop = Shop(stage.oms, ORDERS, sends_to(stage.hubs))
    begins(stage)
    loads(stage, shop)
    with shop:
        is_refused_and_mended(stage, shop)
        before, after, still = crosses(stage, shop, keys)
        shop.stands_still()
    assert shop.faults == []
    assert shop.late > 0
    assert {key: after[0][key] for key in still} == {key: before[0][key] for key in still}
    assert of_old_ones(after[1]) == of_old_ones(before[1])
    assert sum(map(len, of_old_ones(after[1]).values())) > 10
    assert len(still) >= min(ORDERS, READ_MOST) - LIVING
    catches_up(stage, shop)
    old_ones_stay_untold(stage)
    only_a_new_order_is_told(stage, shop)
    comes_back(stage, shop)


def chosen_keys():
    numbers = range(ORDERS)
    some = random.Random(3).sample(numbers, READ_MOST) if ORDERS > READ_MOST else numbers
    return [key_of(number) for number in sorted({*some, *range(LIVING), *MISSING, *WRONG})]


def sends_to(hubs):
    def send(key, text):
        answer = hubs[hash(key) % len(hubs)].put(key, text)
        assert answer.status_code == 202, answer.text

    return send


def begins(stage):
    """Migrating; the tenant names all its orders over the API, and nothing is there yet."""
    switch_mode(drill_tenant(), "migrating", who="drill")
    store_rule(drill_tenant(), RULE, who="drill")
    Tenant.objects.filter(slug="drill").update(compared_per_minute=600)
    time.sleep(EFFECT_SECONDS)
    for start in range(0, ORDERS, 5_000):
        assert names(stage.hubs[0], range(start, min(start + 5_000, ORDERS))) == 200
    assert checklist(drill_tenant()).progress.known == ORDERS


def names(hub, numbers):
    places = [dict(zip(("businessUnitId", "customerOrderId"), key_of(number), strict=True)) for number in numbers]
    return hub.ask("POST", "/api/v1/migration/orders", json.dumps({"orders": places})).status_code


def loads(stage, shop):
    """The file of the first night: some orders are missing, some have a wrong price."""
    file = shop.file(stage.folder / "orders.ndjson", without=MISSING, wrong=WRONG)
    (stage.folder / "secret").write_text(SECRET)
    began = time.monotonic()
    stage.manage(
        "events", "load", str(file), "--tenant", "drill", "--url", stage.hubs[0].url,
        "--client-id", "drill-oms", "--secret-file", str(stage.folder / "secret"),
    )  # fmt: skip
    sent = time.monotonic() - began
    wait_until(lambda: stored() == ORDERS - len(MISSING), seconds=APPLY_SECONDS, why=lambda: f"{stored()} stored")
    print(f"{ORDERS - len(MISSING):,} orders sent in {sent:.1f} s, stored after {time.monotonic() - began:.1f} s")


def stored():
    return Order.objects.filter(tenant__slug="drill").count()


def is_refused_and_mended(stage, shop):
    some = sorted(WRONG)[:WRONG_READ]
    answers(stage.hubs, [key_of(number) for number in (*range(LIVING), *some)])
    wrong = {key_of(number)[1] for number in some}
    wait_until(lambda: wrong <= differing(), seconds=PATIENCE, why=lambda: f"differences: {sorted(differing())}")
    with pytest.raises(CutOverRefused) as refused:
        cut_over(drill_tenant(), who="drill", reason="too soon")
    assert {"ledger", "match-rate"} <= {str(line.key) for line in refused.value.lines}
    status = stage.manage("migration", "status", "--tenant", "drill", check=False)
    assert (status.returncode, f"{len(MISSING)} missing" in status.stdout) == (1, True), status.stdout
    for number in sorted(MISSING | WRONG):
        shop.send(key_of(number), shop.text(key_of(number)))
    began = time.monotonic()
    everything = [key_of(number) for number in range(LIVING, min(ORDERS, READ_MOST))]
    while not checklist(drill_tenant()).ok and time.monotonic() < began + 2 * PATIENCE:
        answers(stage.hubs, everything)
    assert checklist(drill_tenant()).ok, [str(line) for line in checklist(drill_tenant()).lines]
    print(f"allowed {time.monotonic() - began:.1f} s after it was mended: {checklist(drill_tenant()).lines[1].figure}")


def differing():
    return set(Difference.objects.filter(tenant__slug="drill").values_list("customer_order_id", flat=True))


def crosses(stage, shop, keys):
    """What readers are answered before and after, and which orders nobody changed meanwhile."""
    revisions = dict(shop.revisions)
    with Till(stage.hubs, keys) as till:
        before = answers(stage.hubs, keys), searches(stage.hubs)
        assert not stage.hubs[0].answers_from_stored(keys[0])
        cut_over(drill_tenant(), who="drill", reason="the night")
        seconds = takes_effect(stage, keys[0], stored_ones=True)
        after = answers(stage.hubs, keys), searches(stage.hubs)
    assert till.failures == []
    print(f"cut over in {seconds:.2f} s on {len(stage.hubs)} processes; {till.reads:,} reads meanwhile, none failed")
    still = [key for key in keys if shop.revisions[key] == revisions[key] and key not in map(key_of, range(LIVING))]
    return before, after, still


def takes_effect(stage, key, *, stored_ones):
    """Seconds until every process answered in the new way. What is asked after the promised ones must be."""
    switched = time.monotonic()
    seconds = {}
    while len(seconds) < len(stage.hubs):
        for hub in stage.hubs:
            asked = time.monotonic() - switched
            if hub.answers_from_stored(key) == stored_ones:
                seconds.setdefault(hub.url, asked)
            else:
                assert asked < EFFECT_SECONDS, f"{hub.url} still answers in the old way after {asked:.1f} s"
        time.sleep(0.05)
    return max(seconds.values())


def catches_up(stage, shop):
    """What was changed meanwhile is answered as the own system has it, once its events are applied."""
    for key in map(key_of, range(LIVING)):
        wait_until(lambda key=key: document(stage.hubs[0].read(key)) == own(shop, key), seconds=PATIENCE)


def own(shop, key):
    found = json.loads(shop.text(key), parse_float=str, parse_int=str)
    return found | {"status": "CREATED" if found["status"] == "NEW" else found["status"]}


def of_old_ones(found):
    """The rows of each search without the orders that went on changing."""
    living = {key_of(number)[1] for number in range(LIVING)}
    return {asked: [row for row in rows if row[0] not in living] for asked, rows in found.items()}


def old_ones_stay_untold(stage):
    """Not for the load, not for a change while migrating, not for a change after the cut-over."""
    assert (stage.told, orders_told()) == ([], set())


def orders_told():
    """Orders of which anything is or was owed to anybody; the warehouse is told of products too."""
    return set(Delivery.objects.exclude(lane__customer_order_id="").values_list("lane__customer_order_id", flat=True))


def only_a_new_order_is_told(stage, shop):
    key = shop.place(ORDERS + 4)
    wait_until(lambda: len(stage.told) >= 2, seconds=PATIENCE, why=lambda: owed_words(stage, key))
    assert sorted(stage.told) == [key[1], "order_created"]
    assert orders_told() == {key[1]}


def owed_words(stage, key):
    """What stands where, when the partners were not told in time."""
    event = OrderEvent.objects.filter(queue__customer_order_id=key[1]).values_list("status", "owes", "error")
    owed = Delivery.objects.exclude(lane__customer_order_id="").values_list("destination__name", "status", "error")
    return f"told: {stage.told}; event: {list(event)}; deliveries: {list(owed)}"


def comes_back(stage, shop):
    """To proxy within seconds; what was accepted before is applied all the same."""
    key = key_of(LIVING)
    shop.keeps(LIVING, order(LIVING, price="1.00"))
    shop.send(key, shop.text(key))
    go_back(drill_tenant(), to="proxy", who="drill")
    print(f"back in {takes_effect(stage, key, stored_ones=False):.2f} s")
    wait_until(
        lambda: all(hub.put(key, shop.text(key)).status_code == 405 for hub in stage.hubs), seconds=EFFECT_SECONDS
    )
    wait_until(lambda: not OrderEvent.objects.pending().exists(), seconds=30)
    assert '"unitPrice":1.00' in Order.objects.get(customer_order_id=key[1]).document
    assert not OrderEvent.objects.exclude(status="applied").exists()
