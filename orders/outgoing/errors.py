"""Why a call to a partner gave no answer. An answer with any status is no error here.

    OutgoingError
      Misconfigured     asking again changes nothing: ops or the tenant must change a setting
        Unsendable      the address or a header cannot be put on the wire
        Refused         the hub may not connect there: address, plain http
        TlsFailed       the certificate, the version or the ciphers do not fit
      Unavailable       no verdict from the partner: try again later
        Unresolved      the name has no address
        ConnectFailed   refused or unreachable
        ConnectionCut   connection lost before the answer was complete, a handshake that was cut off included
        Garbled         bytes came that are not an HTTP answer
        DeadlineExceeded
      TooLarge          the answer is longer than the limit

``str(error)`` is for ops and may name addresses; ``error.plain`` is one sentence that may be shown to a tenant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class OutgoingError(Exception):
    """The partner could not be asked."""

    plain: ClassVar[str] = "The other system could not be asked."

    def __init__(self, detail: str, *, status: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        """The answer's status, where it was already known when the rest of the answer failed."""
        self.headers: Mapping[str, str] = {}
        """The answer's headers, where they were complete."""


class Misconfigured(OutgoingError):
    """A setting is wrong: the call cannot work until somebody changes it."""


class Unsendable(Misconfigured):
    plain = "The address is not a usable URL."


class Refused(Misconfigured):
    plain = "The hub may not connect to this address."


class TlsFailed(Misconfigured):
    plain = "The encrypted connection could not be made; the certificate may be wrong or expired."


class Unavailable(OutgoingError):
    """No verdict from the partner."""


class Unresolved(Unavailable):
    plain = "The host name could not be found."


class ConnectFailed(Unavailable):
    plain = "The connection was refused or the host could not be reached."


class ConnectionCut(Unavailable):
    plain = "The connection was closed before the answer was complete."

    def __init__(self, detail: str, *, status: int | None = None, began: bool = False) -> None:
        super().__init__(detail, status=status)
        self.before_answer = status is None and not began
        """True when no byte of the answer came, so that a read may be asked again at once."""


class Garbled(Unavailable):
    plain = "The answer is not a valid HTTP answer."


class DeadlineExceeded(Unavailable):
    plain = "The answer did not come in time."


class TooLarge(OutgoingError):
    plain = "The answer is larger than the hub accepts."
