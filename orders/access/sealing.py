"""Secrets at rest: AES-256-GCM, bound to tenant, kind and owning row, so that a moved row does not open.

    SecretLost   no key of the ring opens it; the secret must be entered again

The first key of ``HUB_ENCRYPTION_KEYS`` seals, every key opens; ``reseal_all`` moves everything to the first key.
"""

from __future__ import annotations

import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.apps import apps
from django.conf import settings
from django.db.models.functions import Now

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
    except (InvalidTag, ValueError):  # ValueError: shorter than a nonce
        raise SecretLost("it was sealed for another row or has been altered") from None


def store_secret(*, tenant_id: int | None, kind: str, owner: str, value: str) -> None:
    """Seal and store; replaces what was there."""
    key_id, sealed = seal_bytes(value.encode(), context=_context(tenant_id, kind, owner))
    Secret.objects.update_or_create(**_place(tenant_id, kind, owner), defaults={"key_id": key_id, "sealed": sealed})


def open_secret(*, tenant_id: int | None, kind: str, owner: str) -> str | None:
    """The secret, or None where none is stored. Raises SecretLost, naming what to enter again."""
    row = Secret.objects.filter(**_place(tenant_id, kind, owner)).first()
    return None if row is None else open_row(row)


def open_row(row: Secret) -> str:
    """Raises SecretLost, naming what to enter again."""
    try:
        return open_bytes(row.key_id, bytes(row.sealed), context=_context(row.tenant_id, row.kind, row.owner)).decode()
    except SecretLost as lost:
        raise SecretLost(f"The {_in_words(row)} cannot be opened: {lost}. Enter it again.") from None


def has_secret(*, tenant_id: int | None, kind: str, owner: str) -> bool:
    """Whether one is stored, opening or not."""
    return Secret.objects.filter(**_place(tenant_id, kind, owner)).exists()


def delete_secret(*, tenant_id: int | None, kind: str, owner: str) -> None:
    Secret.objects.filter(**_place(tenant_id, kind, owner)).delete()


def reseal_all() -> int:
    """Seal every secret with the first key; returns how many moved. Those that do not open stay as they are."""
    first = settings.HUB_ENCRYPTION_KEYS[0][0]
    secrets = Secret.objects.exclude(key_id=first).iterator()
    moved = sum(_reseal(row, _context(row.tenant_id, row.kind, row.owner), updated_at=Now()) for row in secrets)
    staff = SecondStep.objects.exclude(key_id=first).iterator()
    return moved + sum(_reseal(row, second_step_context(row.user_id)) for row in staff)


def _reseal(row: Secret | SecondStep, context: str, **touched: Any) -> bool:
    """The guarded update leaves a secret alone that somebody stores meanwhile."""
    try:
        value = open_bytes(row.key_id, bytes(row.sealed), context=context)
    except SecretLost:
        return False
    same = type(row)._default_manager.filter(pk=row.pk, sealed=bytes(row.sealed))
    key_id, sealed = seal_bytes(value, context=context)
    return same.update(key_id=key_id, sealed=sealed, **touched) == 1


def second_step_context(user_id: int) -> str:
    """What the key of a login's authenticator app is bound to (orders.access.second_step)."""
    return f"second-step|{user_id}"


def _place(tenant_id: int | None, kind: str, owner: str) -> dict[str, Any]:
    return {"tenant_id": tenant_id, "kind": kind, "owner": owner}


def _context(tenant_id: int | None, kind: str, owner: str) -> str:
    return f"{tenant_id}|{kind}|{owner}"


def _in_words(row: Secret) -> str:
    """``webhook password of webhook https://beans.example/hook (Acme)``; a row that is gone by its label and number."""
    label, _, pk = row.owner.partition(":")
    try:
        owner = apps.get_model(label)._default_manager.filter(pk=pk).first()
    except (LookupError, ValueError):
        owner = None
    named = row.owner if owner is None else f"{owner._meta.verbose_name} {owner}"
    whose = str(row.tenant or "the hub")
    kind = row.kind.replace("_", " ").replace("-", " ")
    return f"{kind} of {named}" if whose in named else f"{kind} of {named} ({whose})"
