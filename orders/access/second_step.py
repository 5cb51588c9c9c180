"""The second step of signing in: six digits from an authenticator app (TOTP, RFC 6238) or a recovery code.

    SecondStepLost   the stored key cannot be opened; somebody must reset the second step

A code is taken once: a guarded update of ``last_step`` decides between two processes. Recovery codes are taken once
under the row's lock. Not django-otp: it keeps keys in clear; here they are sealed like every other secret.
"""

from __future__ import annotations

import secrets
from hmac import compare_digest

import segno
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import User
from django.db import transaction

from orders.access.sealing import SecretLost, open_bytes, seal_bytes, second_step_context
from orders.database.clock import DatabaseClock
from orders.models import SecondStep

ISSUER = "Orderhub"
KEY_BYTES = 20
"""RFC 4226, section 4: 160 bits."""
DIGITS, STEP_SECONDS = 6, 30
"""What every authenticator app takes for granted."""
DRIFT_STEPS = 1
"""RFC 6238, section 5.2: one step to either side for clocks that differ and people who type slowly."""
RECOVERY_CODES = 10
RECOVERY_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
RECOVERY_LENGTH = 10
"""49 bits of randomness each, in letters that nobody takes for one another."""
RECOVERY_HASHER = "client_secret"
"""Random codes need no slow hash (orders.api.token)."""


class SecondStepLost(Exception):
    """The key of the authenticator app cannot be opened with the keys in HUB_ENCRYPTION_KEYS."""


def is_on(user: User) -> bool:
    return SecondStep.objects.filter(user=user, confirmed_at__isnull=False).exists()


@transaction.atomic
def propose(user: User) -> str:
    """A fresh key that is not on before ``confirm``; returns what the app reads from the picture.

    Of two at once one key stays, and a second step that is on stays as it is.
    """
    key = secrets.token_bytes(KEY_BYTES)
    key_id, sealed = seal_bytes(key, context=second_step_context(user.pk))
    SecondStep.objects.filter(user=user, confirmed_at__isnull=True).delete()
    SecondStep.objects.bulk_create([SecondStep(user=user, key_id=key_id, sealed=sealed)], ignore_conflicts=True)
    return address(user, key)


def proposed(user: User) -> str | None:
    """The address of the key that waits to be confirmed."""
    row = SecondStep.objects.filter(user=user, confirmed_at__isnull=True).first()
    return address(user, key_of(row)) if row else None


def address(user: User, key: bytes) -> str:
    """``otpauth://…``"""
    return _totp(key).get_provisioning_uri(user.get_username(), ISSUER)


def picture(otpauth: str) -> str:
    """A QR code as a data: address, made here."""
    return str(segno.make(otpauth, micro=False).svg_data_uri(scale=5, border=3, light="#fff", dark="#000"))


def typed_key(otpauth: str) -> str:
    """The key for people who type: groups of four letters."""
    key = otpauth.partition("secret=")[2].partition("&")[0]
    return " ".join(key[i : i + 4] for i in range(0, len(key), 4))


@transaction.atomic
def confirm(user: User, code: str) -> list[str] | None:
    """Switch the proposed key on where the code is the app's; returns the recovery codes, to be shown once."""
    row = SecondStep.objects.select_for_update().filter(user=user, confirmed_at__isnull=True).first()
    if row is None or not _take_code(row, code):
        return None
    SecondStep.objects.filter(pk=row.pk).update(confirmed_at=DatabaseClock().now())
    return renew_codes(user)


def check(user: User, code: str) -> str | None:
    """``code`` or ``recovery`` for what was right, else None. Either is taken once."""
    row = SecondStep.objects.filter(user=user, confirmed_at__isnull=False).first()
    if row is None:
        return None
    if _take_recovery_code(row, code):
        return "recovery"
    return "code" if _take_code(row, code) else None


def renew_codes(user: User) -> list[str]:
    """Fresh recovery codes in place of the old ones."""
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    hashes = [make_password(_bare(code), hasher=RECOVERY_HASHER) for code in codes]
    SecondStep.objects.filter(user=user).update(recovery_codes=hashes)
    return codes


def codes_left(user: User) -> int:
    row = SecondStep.objects.filter(user=user).first()
    return len(row.recovery_codes) if row else 0


def switch_off(user: User) -> bool:
    """True where it was on."""
    was_on = is_on(user)
    SecondStep.objects.filter(user=user).delete()
    return was_on


def key_of(row: SecondStep) -> bytes:
    """Raises SecondStepLost, naming whose it is and what to do."""
    try:
        return open_bytes(row.key_id, bytes(row.sealed), context=second_step_context(row.user_id))
    except SecretLost as lost:
        step = f"Reset it with manage.py staff {row.user} --reset-totp; {row.user} sets it up again."
        raise SecondStepLost(f"The second step of {row.user} cannot be checked: {lost}. {step}") from None


def _totp(key: bytes) -> TOTP:
    return TOTP(key, DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303  # the RFC's; every app computes it so


def _take_code(row: SecondStep, code: str) -> bool:
    digits = "".join(code.split())
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
        return False
    totp = _totp(key_of(row))
    present = int(DatabaseClock().now().timestamp()) // STEP_SECONDS
    for step in range(present - DRIFT_STEPS, present + DRIFT_STEPS + 1):
        if compare_digest(totp.generate(step * STEP_SECONDS), digits.encode()):
            fresh = SecondStep.objects.filter(pk=row.pk, key_id=row.key_id, last_step__lt=step)
            return fresh.update(last_step=step) == 1
    return False


@transaction.atomic
def _take_recovery_code(row: SecondStep, code: str) -> bool:
    if len(_bare(code)) != RECOVERY_LENGTH:
        return False
    left = SecondStep.objects.select_for_update().filter(pk=row.pk).first()
    used = next((one for one in left.recovery_codes if check_password(_bare(code), one)), None) if left else None
    if left is None or used is None:
        return False
    left.recovery_codes.remove(used)
    left.save(update_fields=["recovery_codes"])
    return True


def _recovery_code() -> str:
    letters = "".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(RECOVERY_LENGTH))
    return f"{letters[:5]}-{letters[5:]}"


def _bare(code: str) -> str:
    return "".join(letter for letter in code.lower() if letter.isalnum())
