"""The one order in which the hub locks rows. docs/design/locks.md shows it; test_order.py keeps the two equal."""

from __future__ import annotations

from dataclasses import dataclass

from tests.locks.statements import Lock

UNLEASED = "orders_orderqueue without a lease"
"""A queue that is locked while no worker has it; whoever does so holds the whole order."""


@dataclass(frozen=True, slots=True)
class Place:
    """Tables of one place. Unless ``alone`` says why not, several rows of one are locked together and in order."""

    number: int
    tables: tuple[str, ...]
    alone: str = ""
    """Why nobody else locks several of the same rows."""
    guard: str = ""
    """The table whose rows everybody who locks these has leased or locked: under its lock nobody waits for them."""


PLACES = (
    Place(1, ("advisory",)),
    Place(
        2,
        (
            "orders_orderrelease", "orders_retention", "orders_comparisonsweep", "orders_alertrule", "orders_repairrun",
            "orders_loadrequest", "orderflow_despatchpoll",
        ),
        alone="a transaction takes one",
    ),
    Place(3, ("orders_tenant",)),
    Place(4, (UNLEASED,)),
    Place(
        5,
        ("orders_apiclient", "orders_handover", "oauth2_provider_accesstoken", "suppliers_supplier"),
        alone="onboarding alone takes several",
    ),
    Place(6, ("orders_destination",)),
    Place(
        7,
        ("orderflow_orderflowchannel", "suppliers_webhook", "proxy_proxyconfig", "orders_secret"),
        alone="onboarding alone takes several",
    ),
    Place(8, ("orders_order",), alone="under the queue's lease or lock", guard="orders_orderqueue"),
    Place(9, ("orders_lane",)),
    Place(
        10,
        ("orders_delivery", "orders_deliveryattempt", "orderflow_product"),
        alone="under the lane's lease or lock",
        guard="orders_lane",
    ),
    Place(11, ("suppliers_supplierpart",)),
    Place(12, ("orderflow_warehouseorder",)),
    Place(
        13,
        ("suppliers_partdelivery", "suppliers_notice", "suppliers_stocklevel", "orderflow_despatch"),
        alone="under the lock of the supplier, the part or the poll",
    ),
    Place(14, ("orders_orderevent",), alone="under the queue's lease or lock", guard="orders_orderqueue"),
    Place(15, ("orders_orderqueue",)),
    Place(
        16,
        ("orders_comparisonhour", "orders_memberhour", "orders_ledgerhour", "orders_figure", "orders_knownorder"),
    ),
    Place(17, ("orders_difference",), alone="under the queue's lock", guard="orders_orderqueue"),
    Place(18, ("orders_incident", "orders_alertmessage"), alone="under the rule's lock", guard="orders_alertrule"),
    Place(
        19,
        (
            "auth_user", "auth_user_groups", "orders_stafftenant", "orders_secondstep", "orders_signintries",
            "django_session",
        ),
        alone="a transaction takes those of one person",
    ),
    Place(
        20,
        ("orders_timelineentry", "orders_operatoraction", "suppliers_supplierevent"),
        alone="never written again",
    ),
)  # fmt: skip

EXEMPT = {
    "orders/retention/erasure/": "holds the order's queue and all its lanes before anything else of the order",
    "orders/integrations/erasure.py": "rewrites for it",
}
"""Where locks are taken in another order, and why no circle comes of it."""

_PLACE = {table: place for place in PLACES for table in place.tables}


def name_of(lock: Lock) -> str:
    return UNLEASED if lock.unleased and lock.table == "orders_orderqueue" else lock.table


def place_of(lock: Lock) -> Place | None:
    return _PLACE.get(name_of(lock))
