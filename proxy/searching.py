"""What a search asks of a tenant's own system, and which of its hits answer it.

The status is the one criterion whose word differs: a till names ours and the service knows its own. A hit that the till
did not ask for is dropped, so that no service hands out another customer's order by ignoring a criterion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orders.documents import SearchCriteria, decode, render
from orders.documents.status_words import WORDS, ours

Hit = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One search: the body that goes out, and what a hit must be."""

    body: bytes
    criteria: SearchCriteria
    status_map: Mapping[str, str]
    sends_status: bool = True
    """False where several words of the service mean the one asked for: the hub judges the hits alone."""

    def unlike(self, hit: Hit) -> list[str]:
        """The members in which a hit is not what was asked for."""
        wanted = self.criteria
        alike = {
            "customerOrderId": wanted.customer_order_id in (None, hit["customerOrderId"]),
            "customerId": wanted.customer_id in (None, hit["customerId"]),
            "status": wanted.status in (None, self._word(hit["status"])),
        }
        return [name for name, holds in alike.items() if not holds]

    def _word(self, status: str) -> str:
        return status if _is_theirs(self.criteria.status, self.status_map) else ours(status, self.status_map)


def asked(raw: bytes, criteria: SearchCriteria, status_map: Mapping[str, str]) -> Asked:
    """The caller's search as the service is asked: as it came, but for a status that the service calls otherwise."""
    status = criteria.status
    if status is None or not status_map or _is_theirs(status, status_map):
        return Asked(raw, criteria, status_map)
    theirs = _theirs(status, status_map)
    if theirs == [status]:
        return Asked(raw, criteria, status_map)
    members = {name: value for name, value in decode(raw).items() if name != "status"}
    if len(theirs) == 1:
        return Asked(render(members | {"status": theirs[0]}), criteria, status_map)
    return Asked(render(members), criteria, status_map, sends_status=False)


def _theirs(status: str, status_map: Mapping[str, str]) -> list[str]:
    """The service's words for ours: those of the map, or the word itself where the map does not name it."""
    named = [theirs for theirs, word in status_map.items() if word == status]
    return named if named or status in status_map else [status]


def _is_theirs(status: str | None, status_map: Mapping[str, str]) -> bool:
    """Whether a caller used the service's own word, which is then asked for and judged as it is."""
    return status in status_map and status not in WORDS and status not in status_map.values()


def split_hits(found: Iterable[Hit], wanted: Asked) -> tuple[list[Any], set[str]]:
    """The hits that answer the search, and the members in which the others do not, which is contract drift."""
    kept, unlike = [], set()
    for hit in found:
        members = wanted.unlike(hit)
        if members:
            unlike.update(members)
        else:
            kept.append(hit)
    return kept, unlike if wanted.sends_status else unlike - {"status"}
