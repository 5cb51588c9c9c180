"""Who tries to sign in how often. A try is counted before the password is looked at, under a row lock, so that many
at once get no more of them than one after the other.

    login and address   FAILURES wrong in WAIT: that login waits for WAIT at that address alone.
    login               PER_LOGIN from addresses that it never came in from; those it did come in from go on.
    address             PER_ADDRESS, whatever the logins.

A try that waits at its address counts no further: one address spends FAILURES of PER_LOGIN and no more.
The first is a row, so it holds over all processes, with Redis or without; the other two are counters that may be lost.
Not django-axes: it knows no addresses that a login came in from before, so that anybody could lock a person out.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from orders.access.throttle import Throttle
from orders.database.clock import DatabaseClock
from orders.models import SignInTries
from orders.values.problems import Throttled
from orders.values.time_text import in_words

FAILURES = 5
"""A person who mistypes gets there seldom; a program gets 480 guesses a day per address."""
WAIT = timedelta(minutes=15)
KNOWN_FOR = timedelta(days=30)
"""How long an address that a login came in from counts as its own."""
PER_LOGIN = Throttle("sign-ins-of-login", most=20, seconds=600)
"""Right ones too, of which a person needs two, before each address is known. Guessing six digits from many addresses
then takes about a hundred days."""
PER_ADDRESS = Throttle("sign-ins-of-address", most=100, seconds=600)
"""An office behind one address signs in on a Monday morning."""


class TooManyTries(Exception):
    """Too many wrong tries; nothing was looked at."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(
            f"Too many wrong tries for this name from here. Try again in {in_words(wait)}. When the password or the "
            "phone is lost, ask a colleague who makes logins: they can lift the wait and set a new one."
        )
        self.wait = wait


def start(name: str, address: str) -> int:
    """Count one try; returns how many are left after it, should it be wrong. Raises TooManyTries."""
    login, place = _digest(name), place_of(address)
    try:
        PER_ADDRESS.use(place)
        return _count(login, place)
    except Throttled as throttled:
        raise TooManyTries(timedelta(seconds=int(throttled.headers["Retry-After"]))) from None


@transaction.atomic
def _count(login: str, place: str) -> int:
    """The address's own wait comes first. A try that the login has no room for changes nothing at its address."""
    now = DatabaseClock().now()
    tries = _locked(login, place)
    if tries.locked_until and tries.locked_until > now:
        raise TooManyTries(tries.locked_until - now)
    if not _is_known(login, place):
        PER_LOGIN.use(login)
    if tries.locked_until or now - tries.since > WAIT:
        tries.failures, tries.since, tries.locked_until = 0, now, None
    tries.failures += 1
    if tries.failures >= FAILURES:
        tries.locked_until = now + WAIT
    tries.used_at = now
    tries.save(update_fields=["failures", "since", "locked_until", "used_at"])
    return max(FAILURES - tries.failures, 0)


@transaction.atomic
def give_back(name: str, address: str) -> None:
    """The try was right and another step follows: it does not count, those before it still do."""
    tries = _locked(_digest(name), place_of(address))
    tries.failures, tries.locked_until = max(tries.failures - 1, 0), None
    tries.save(update_fields=["failures", "locked_until"])


@transaction.atomic
def succeeded(name: str, address: str) -> None:
    """Signed in: begin anew, and know the address."""
    tries = _locked(_digest(name), place_of(address))
    tries.failures, tries.locked_until, tries.signed_in_at = 0, None, DatabaseClock().now()
    tries.save(update_fields=["failures", "locked_until", "signed_in_at"])


def unlock(name: str) -> int:
    """Forget the wrong tries of a login, at every address; returns at how many it had to wait."""
    now = DatabaseClock().now()
    tries = SignInTries.objects.filter(login=_digest(name))
    waiting = tries.filter(locked_until__gt=now).count()
    tries.update(failures=0, locked_until=None)
    PER_LOGIN.forget(_digest(name))
    return waiting


def locked_until(name: str) -> datetime | None:
    """The latest end of a wait of this login, wherever it waits."""
    rows = SignInTries.objects.filter(login=_digest(name), locked_until__gt=DatabaseClock().now())
    return rows.order_by("-locked_until").values_list("locked_until", flat=True).first()


def expired() -> QuerySet[Any]:
    """Rows that say nothing any more."""
    return SignInTries.objects.filter(used_at__lt=DatabaseClock().now() - KNOWN_FOR)


def _is_known(login: str, place: str) -> bool:
    since = DatabaseClock().now() - KNOWN_FOR
    return SignInTries.objects.filter(login=login, address=place, signed_in_at__gt=since).exists()


def _locked(login: str, place: str) -> SignInTries:
    SignInTries.objects.get_or_create(login=login, address=place)
    return SignInTries.objects.select_for_update().get(login=login, address=place)


def _digest(name: str) -> str:
    """Names differ by nothing that a person does not see."""
    return salted_hmac("orders.sign_ins", name.strip().casefold(), algorithm="sha256").hexdigest()


def place_of(address: str) -> str:
    """An IPv6 caller has a whole /64 to call from; one that the proxies did not name is one place with all such."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False).network_address)
