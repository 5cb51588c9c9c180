"""What befalls the partners' calls: answers that are lost, and couriers that die over them."""

from __future__ import annotations

import random

from tests.chaos.faults import Scene, fault
from tests.chaos.hub import Surroundings
from tests.chaos.partners import OUTWARD, Partners

KILL_EVERY_SECONDS = 3.0
"""A worker takes seconds to start again: killed more often, nobody would send."""
HASTY = OUTWARD | {"DJANGO_SETTINGS_MODULE": "tests.chaos.hasty"}


@fault(
    "answers-lost",
    seconds=40.0,
    surroundings=Surroundings(web=OUTWARD, couriers=(HASTY, HASTY)),
    party=Partners,
)
def lose_answers(scene: Scene) -> None:
    """A supplier and a warehouse do what they are asked for and lose every fourth answer, or give it after the limit;
    orders are changed and cancelled, and every three seconds an inbound or an outbound worker is killed."""
    chance = random.Random(1)
    scene.party.forget(True)
    scene.every(KILL_EVERY_SECONDS, lambda: chance.choice([*scene.hub.couriers, *scene.hub.workers]).kill_both())
