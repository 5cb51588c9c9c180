"""Outgoing HTTP: the only way the hub speaks to a partner.

    answer = send(Call("POST", url, body=…, destination="supplier:12", correlation_id=…), deadline=Deadline.after(30))

One deadline over name, connection, handshake, request and last byte; no redirects; nothing from the environment; the
answer's size counted after unpacking; only permitted addresses, judged when connecting. Every failure is one of the
errors drawn in ``orders.outgoing.errors``; an answer with any status is an ``Answer``.
"""

from orders.outgoing.deadline import Deadline
from orders.outgoing.errors import (
    ConnectFailed,
    ConnectionCut,
    DeadlineExceeded,
    Garbled,
    Misconfigured,
    OutgoingError,
    Refused,
    TlsFailed,
    TooLarge,
    Unavailable,
    Unresolved,
    Unsendable,
)
from orders.outgoing.probe import Probe
from orders.outgoing.retry_after import asked_wait
from orders.outgoing.session import Answer, Call, check_shape, check_url, same_host, same_origin, send

__all__ = [
    "Answer",
    "Call",
    "ConnectFailed",
    "ConnectionCut",
    "Deadline",
    "DeadlineExceeded",
    "Garbled",
    "Misconfigured",
    "OutgoingError",
    "Probe",
    "Refused",
    "TlsFailed",
    "TooLarge",
    "Unavailable",
    "Unresolved",
    "Unsendable",
    "asked_wait",
    "check_shape",
    "check_url",
    "same_host",
    "same_origin",
    "send",
]
