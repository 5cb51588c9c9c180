"""Part of `make bench-scale`: what 100,000 deliveries pending for a dead endpoint cost the other nine.

In turns with and without them: how long a dispatcher takes to claim for the others, and how long the outbound worker
takes to deliver to them. No inbound worker runs and no wake-ups are sent: only the sweep wakes.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import posting
from tests.benchmarks.comparison import Limit, reported
from tests.benchmarks.deliveries import ENDPOINTS, FILL_DELIVERIES, TABLES, WELL, Outbox, endpoints, onboard
from tests.benchmarks.proxied import outward
from tests.benchmarks.stack import ROOT, Stack, stack
from tests.processes import free_port, wait_until

OWED = 100_000
EACH = 400
"""Deliveries to each endpoint that answers, per round."""
ROUNDS = 5
CLAIMS = 200
MOST = 1.2
"""Times without: as for every other figure of this bench."""
DEAD = f"told-{ENDPOINTS - 1}"
FILL_LANES = """
    INSERT INTO orders_lane (destination_id, key, tenant_id, business_unit_id, customer_order_id, last_position,
        done_position, due_at, losses)
    SELECT d.id, 'order:' || n, d.tenant_id, 'store-1', n::text, 1, 0, clock_timestamp(), 0
    FROM orders_destination AS d, generate_series(1, CASE WHEN d.name = %s THEN %s ELSE %s END) AS n
    WHERE d.name LIKE 'told-%%'
"""
OPEN = """
    UPDATE orders_destination SET failures = 10, open_seconds = 300, probe_at = clock_timestamp() + interval '1 hour'
    WHERE name = %s
"""


def main() -> int:
    """0 when both figures are within the bar."""
    with tempfile.TemporaryDirectory() as folder, stack(Path(folder)) as stacked:
        lines = measured(outward(stacked))
    return reported(lines)


def measured(stacked: Stack) -> list[Limit]:
    with endpoints(stacked) as receiver:
        receiver.ports[-1] = free_port()
        onboard(stacked, receiver)
        receiver.ports.pop()
        outbox = DeadEndpoint(stacked, receiver)
        claims = _turns("scale-dead-claim", outbox.claim, f"claiming for nine endpoints, {OWED:,} owed to a dead tenth")
        with stacked.worker("outbound"), stacked.beat():
            rates = _turns(
                "scale-dead-deliver", outbox.nine_seconds, f"delivering to nine, {OWED:,} owed to a dead tenth"
            )
        return [claims, rates]


def _turns(name: str, measure: Callable[[int], float], what: str) -> Limit:
    """Alternating rounds, after one of each that is not counted."""
    rounds = []
    for number in range(ROUNDS + 1):
        without, loaded = measure(0), measure(OWED)
        print(f"  {name} {number} of {ROUNDS}: {loaded:.4g} s with, {without:.4g} s without", flush=True)
        rounds.append(loaded / without)
    rounds = rounds[1:]
    return Limit(name, "times", statistics.median(rounds), rounds, "", MOST, what)


class DeadEndpoint(Outbox):
    """Ten endpoints, of which the last is a port that nobody listens on."""

    def __init__(self, stacked: Stack, receiver) -> None:
        super().__init__(stacked, receiver)
        self._stacked = stacked

    def add_delivery(self, dead: int, each: int) -> None:
        self.activate(False)
        for number in range(ENDPOINTS - 1):
            self.receiver.ask(number, "reset")
        wait_until(lambda: self.one("SELECT count(*) FROM orders_lane WHERE lease IS NOT NULL") == 0, seconds=60)
        self.database.execute(f"TRUNCATE {TABLES}")
        self.database.execute(WELL)
        self.database.execute("UPDATE orders_destination SET concurrency = 4 WHERE name LIKE 'told-%'")
        self.database.execute(FILL_LANES, [DEAD, dead, each])
        self.database.execute(FILL_DELIVERIES, [posting.BODY.decode()])
        for table in ("orders_lane", "orders_delivery"):
            self.database.execute(f"VACUUM ANALYZE {table}")

    def nine_seconds(self, dead: int) -> float:
        """From the first attempt to the last delivery at the nine that answer; the dead one fails as it comes."""
        self.add_delivery(dead, EACH)
        self.activate(True)
        nine = f"""SELECT count(*) FROM orders_lane l JOIN orders_destination d ON d.id = l.destination_id
                   WHERE d.name <> '{DEAD}' AND l.due_at IS NOT NULL"""
        wait_until(lambda: self.one(nine) == 0, seconds=120, every=0.05)
        self.activate(False)
        sql = f"""SELECT extract(epoch FROM max(x.finished_at) - min(a.started_at)), count(*) FROM orders_delivery x
                  JOIN orders_deliveryattempt a ON a.delivery_id = x.id
                  JOIN orders_destination d ON d.id = x.destination_id WHERE d.name <> '{DEAD}'"""
        seconds, count = self.database.execute(sql).fetchone()
        assert count == (ENDPOINTS - 1) * EACH, f"{count} attempts at the nine"
        return float(seconds)

    def claim(self, dead: int) -> float:
        """Seconds of one look for work and one claim, the dead one's breaker open: of the quickest tenth, so that what
        else the machine does is left out."""
        self.add_delivery(dead, EACH)
        self.database.execute(OPEN, [DEAD])
        self.activate(True)
        command = [sys.executable, "-m", "tests.benchmarks.scale_dead_endpoint", "--claim"]
        done = subprocess.run(command, cwd=ROOT, env=self._stacked.environ, check=True, capture_output=True, text=True)
        return float(json.loads(done.stdout.splitlines()[-1]))


def claim() -> float:
    """In a process of its own."""
    import django

    django.setup()
    from orders.outbox.send_limits import free_slots
    from orders.queueing.claims import LANES, give_back
    from orders.queueing.claims import claim as claim_lanes

    times = []
    for _ in range(CLAIMS):
        began = time.perf_counter()
        allowed = free_slots(256, most=256)
        lease, lanes = claim_lanes(LANES, {one.pk: most for one, most in allowed.items()}, lease_seconds=45)
        times.append(time.perf_counter() - began)
        assert DEAD not in {one.name for one in allowed}
        assert len(lanes) == 4 * (ENDPOINTS - 1)
        give_back(LANES, lease)
    return statistics.quantiles(times, n=10)[0]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--claim"]:
        print(json.dumps(claim()))
    else:
        sys.exit(main())
