"""Secrets at rest: AES-256-GCM, bound to tenant, kind and owning row, so that a moved row does not open.

    SecretLost   no key of the ring opens it; the secret must be entered again

The first key of ``HUB_ENCRYPTION_KEYS`` seals, every key opens; ``reseal_all`` moves everything to the first key.
"""

from __future__ import annotations

import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from orders.models import SecondStep, Secret

MASK = "********"
NONCE_BYTES = 12
"""NIST SP 800-38D: 96 bits, random; far below 2**32 seals per key."""


class SecretLost(Exception):
    """A stored secret cannot be opened with the keys in HUB_ENCRYPTION_KEYS."""


def seal_bytes(data: bytes, *, context: str) -> tuple[str, bytes]:
    """Sealed with the first key: (key id, nonce + ciphertext). ``context`` must be given again to open."""
    key_id, key = settings.HUB_ENCRYPTION_KEYS[0]
    nonce = os.urandom(NONCE_BYTES)
    return key_id, nonce + AESGCM(key).encrypt(nonce, data, context.encode())


def open_bytes(key_id: str, sealed: bytes, *, context: str) -> bytes:
    """The sealed data. Raises SecretLost when the key is gone or the context is another's."""
    key = dict(settings.HUB_ENCRYPTION_KEYS).get(key_id)
    if key is None:
        raise SecretLost(f"its key {key_id!r} is no longer in HUB_ENCRYPTION_KEYS")
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context.encode())
    except InvalidTag:
        raise SecretLost("it was sealed for another row or has been altered") from None


def store_secret(*, tenant_id: int | None, kind: str, owner: str, value: str) -> None:
    """Seal and store; replaces what was there."""
    key_id, sealed = seal_bytes(value.encode(), context=_context(tenant_id, kind, owner))
    Secret.objects.update_or_create(**_place(tenant_id, kind, owner), defaults={"key_id": key_id, "sealed": sealed})


def open_secret(*, tenant_id: int | None, kind: str, owner: str) -> str | None:
    """The secret, or None where none is stored. Raises SecretLost, naming what to enter again."""
    row = Secret.objects.filter(**_place(tenant_id, kind, owner)).first()
    if row is None:
        return None
    try:
        return open_bytes(row.key_id, bytes(row.sealed), context=_context(tenant_id, kind, owner)).decode()
    except SecretLost as lost:
        raise SecretLost(f"The {kind} of {owner} cannot be opened: {lost}. Enter it again.") from None


def has_secret(*, tenant_id: int | None, kind: str, owner: str) -> bool:
    """Whether one is stored, opening or not."""
    return Secret.objects.filter(**_place(tenant_id, kind, owner)).exists()


def delete_secret(*, tenant_id: int | None, kind: str, owner: str) -> None:
    Secret.objects.filter(**_place(tenant_id, kind, owner)).delete()


def reseal_all() -> int:
    """Seal every secret with the first key; returns how many moved. Those that do not open stay as they are."""
    first = settings.HUB_ENCRYPTION_KEYS[0][0]
    secrets = Secret.objects.exclude(key_id=first).iterator()
    moved = sum(_reseal(row, _context(row.tenant_id, row.kind, row.owner), ["updated_at"]) for row in secrets)
    staff = SecondStep.objects.exclude(key_id=first).iterator()
    return moved + sum(_reseal(row, second_step_context(row.user_id), []) for row in staff)


def _reseal(row: Secret | SecondStep, context: str, touched: list[str]) -> bool:
    try:
        value = open_bytes(row.key_id, bytes(row.sealed), context=context)
    except SecretLost:
        return False
    row.key_id, row.sealed = seal_bytes(value, context=context)
    row.save(update_fields=["key_id", "sealed", *touched])
    return True


def second_step_context(user_id: int) -> str:
    """What the key of a login's authenticator app is bound to (orders.access.second_step)."""
    return f"second-step|{user_id}"


def _place(tenant_id: int | None, kind: str, owner: str) -> dict[str, Any]:
    return {"tenant_id": tenant_id, "kind": kind, "owner": owner}


def _context(tenant_id: int | None, kind: str, owner: str) -> str:
    return f"{tenant_id}|{kind}|{owner}"
