"""Why a call to a partner gave no answer. An answer with any status is no error here.

    OutgoingError
      Misconfigured     asking again changes nothing: ops or the tenant must change a setting
        Unsendable      the address or a header cannot be put on the wire
        Refused         the hub may not connect there: address, plain http
        TlsFailed       certificate or handshake
      Unavailable       no verdict from the partner: try again later
        Unresolved      the name has no address
        ConnectFailed   refused or unreachable
        Cut             connection lost before the answer was complete
        DeadlineExceeded
      TooLarge          the answer is longer than the limit

``str(error)`` is for ops and may name addresses; ``error.plain`` is one sentence that may be shown to a tenant.
"""

from __future__ import annotations

from typing import ClassVar


class OutgoingError(Exception):
    """The partner could not be asked."""

    plain: ClassVar[str] = "The other system could not be asked."

    def __init__(self, detail: str, *, status: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        """The answer's status, where it was already known when its body failed."""


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

    @property
    def before_answer(self) -> bool:
        """True when no byte of the answer came, so that a read may be asked again at once."""
        return self.status is None


class DeadlineExceeded(Unavailable):
    plain = "The answer did not come in time."


class TooLarge(OutgoingError):
    plain = "The answer is larger than the hub accepts."
