"""Registered public keys of API clients: bare keys or certificates, and the names a signature may call them by."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, Hash, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

LEAST_BITS = 2048
"""RFC 7518, section 3.3: RS256 wants a key of 2048 bits or more."""
CERTIFICATE = "-----BEGIN CERTIFICATE-----"


class NotAPublicKey(ValueError):
    """must be an RSA public key or certificate in PEM (-----BEGIN PUBLIC KEY----- or -----BEGIN CERTIFICATE-----)"""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class KeyTooShort(ValueError):
    """must be an RSA key of 2048 bits or more"""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


@dataclass(frozen=True, slots=True)
class ClientKey:
    """``x5t`` and ``names`` (for ``kid``) are what a JWT header may name the key by; a bare key has no ``x5t``."""

    key: RSAPublicKey
    x5t: frozenset[str]
    names: frozenset[str]
    good_from: datetime | None = None
    good_until: datetime | None = None

    def is_good(self, now: datetime, *, skew: timedelta) -> bool:
        """Whether a certificate is within its time; a bare key always is."""
        begun = self.good_from is None or self.good_from <= now + skew
        return begun and (self.good_until is None or now - skew <= self.good_until)


def read_key(pem: str) -> ClientKey:
    """Raises NotAPublicKey or KeyTooShort, whose words complete "This key …"."""
    try:
        found = _certificate(pem) if pem.strip().startswith(CERTIFICATE) else _bare(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise NotAPublicKey from None
    if found.key.key_size < LEAST_BITS:
        raise KeyTooShort
    return found


def candidates(pems: Iterable[str], *, x5t: str | None, kid: str | None) -> Sequence[ClientKey]:
    """The registered keys that a JWT's header may mean.

    ``x5t`` names a certificate exactly, so it leaves no other certificate. ``kid`` is any word between client and hub:
    where it is no name of a registered key it says nothing, and the signature decides.
    """
    keys = [read_key(pem) for pem in pems]
    if x5t is not None:
        keys = [key for key in keys if x5t in key.x5t or not key.x5t]
    named = [key for key in keys if kid is not None and kid.lower() in key.names]
    return named or keys


def _certificate(pem: str) -> ClientKey:
    certificate = x509.load_pem_x509_certificate(pem.encode())
    der = certificate.public_bytes(Encoding.DER)
    key = _rsa(certificate.public_key())
    return ClientKey(
        key,
        x5t=frozenset(_base64(digest) for digest in _digests(der)),
        names=_names(der) | _names(_spki(key)),
        good_from=certificate.not_valid_before_utc,
        good_until=certificate.not_valid_after_utc,
    )


def _bare(pem: str) -> ClientKey:
    key = _rsa(load_pem_public_key(pem.encode()))
    return ClientKey(key, x5t=frozenset(), names=_names(_spki(key)))


def _rsa(key: object) -> RSAPublicKey:
    if not isinstance(key, RSAPublicKey):
        raise ValueError("no RSA key")
    return key


def _spki(key: RSAPublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _names(der: bytes) -> frozenset[str]:
    """SHA-1 and SHA-256 thumbprints, in hex and in base64url, in small letters."""
    return frozenset(name.lower() for digest in _digests(der) for name in (digest.hex(), _base64(digest)))


def _digests(der: bytes) -> list[bytes]:
    """SHA-1 as RFC 7515 has it for ``x5t``: a name, which protects nothing."""
    return [_digest(der, SHA1()), _digest(der, SHA256())]  # noqa: S303  # see above


def _digest(data: bytes, algorithm: HashAlgorithm) -> bytes:
    hashed = Hash(algorithm)
    hashed.update(data)
    return hashed.finalize()


def _base64(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
