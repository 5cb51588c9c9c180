"""What befalls the partners' calls: answers that are lost, dispatchers that die over them, a site that is slow."""

from __future__ import annotations

import random
import signal
import time

from tests.chaos.faults import Scene, fault
from tests.chaos.hub import Surroundings
from tests.chaos.partners import OUTWARD, Partners
from tests.processes import wait_until

KILL_EVERY_SECONDS = 3.0
"""A worker takes seconds to start again: killed more often, nobody would send."""
SLOW_SECONDS = 50.0
"""No import that is under way when its dispatcher is killed is answered before its deliveries must have gone on."""
QUIET_RATE = 10
"""PUTs a second: what waits is then what the killed one had, not what two cores cannot keep up with."""
LEASE_SECONDS = 24.0
"""orders.queueing.claims: after that a dispatcher that is still has lost all that it had claimed."""
GO_ON_SECONDS = 30.0
"""A lease, a sweep every second, and a call."""
HASTY = OUTWARD | {"DJANGO_SETTINGS_MODULE": "tests.chaos.hasty"}
PATIENT = HASTY | {"CHAOS_CALL_SECONDS": "60"}
"""What became of a lost import is known for sure after the limit of its call."""
LEASED = """
    SELECT lane.id, destination.channel FROM orders_lane lane
    JOIN orders_destination destination ON destination.id = lane.destination_id WHERE lane.lease IS NOT NULL
"""
WENT_ON = """
    SELECT delivery.lane_id, min(extract(epoch FROM attempt.started_at))::float8
    FROM orders_deliveryattempt attempt JOIN orders_delivery delivery ON delivery.id = attempt.delivery_id
    WHERE delivery.lane_id = ANY(%s) AND attempt.started_at > to_timestamp(%s) GROUP BY 1
"""


@fault(
    "answers-lost",
    seconds=40.0,
    surroundings=Surroundings(web=OUTWARD, dispatchers=(HASTY, HASTY)),
    party=Partners,
)
def lose_answers(scene: Scene) -> None:
    """A supplier and a warehouse do what they are asked for and lose every fourth answer, or give it after the limit;
    orders are changed and cancelled, and every three seconds an inbound or an outbound worker is killed."""
    chance = random.Random(1)
    scene.party.forget(True)
    scene.every(KILL_EVERY_SECONDS, lambda: chance.choice([*scene.hub.dispatchers, *scene.hub.workers]).kill_both())


@fault(
    "courier-kill",
    seconds=0.0,
    rate=QUIET_RATE,
    surroundings=Surroundings(web=OUTWARD, dispatchers=(PATIENT, PATIENT)),
    party=Partners,
)
def kill_a_courier(scene: Scene) -> None:
    """SIGKILL to the outbound worker that has imports under way at a site that takes 50 s for an answer; the other
    one goes on with all that it had claimed, within 30 s."""
    killed, other = scene.hub.dispatchers
    party = scene.party
    other.signal_all(signal.SIGSTOP)
    try:
        time.sleep(LEASE_SECONDS)  # then all leases are the first one's
        party.warehouse.slow = SLOW_SECONDS
        wait_until(lambda: party.warehouse.slowed)
        killed.kill_both()
        at, lanes = time.time(), _held(scene)
        party.warehouse.slow = 0.0
    finally:
        other.signal_all(signal.SIGCONT)
    with scene.connect() as connection:
        wait_until(lambda: len(_went_on(connection, lanes, at)) == len(lanes), seconds=120, every=0.5)
        longest = max(_went_on(connection, lanes, at).values()) - at
    imports = sum(channel == "orderflow" for channel in lanes.values())
    party.figures.append(
        f"It had {len(lanes)} lanes, {imports} of them imports; the last went on after {longest:.1f} s."
    )
    if longest > GO_ON_SECONDS:
        party.found.append(f"late: a killed dispatcher's deliveries went on after {longest:.1f} s")


def _held(scene: Scene) -> dict[int, str]:
    """The channel of each lane that is leased."""
    with scene.connect() as connection:
        return dict(connection.execute(LEASED).fetchall())


def _went_on(connection, lanes: dict[int, str], at: float) -> dict[int, float]:
    """When the first try of each lane after the kill began."""
    return dict(connection.execute(WENT_ON, [list(lanes), at]).fetchall())
