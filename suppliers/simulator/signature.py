"""How the simulated supplier judges a signature (docs/reference/supplier-events.md#signature).

By the published ``standardwebhooks`` library where it is installed (it is a development dependency), else by the few
lines below. Never by the hub's own signing code: a judge who asks the accused finds nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec

LIBRARY_INSTALLED = find_spec("standardwebhooks") is not None

TOLERANCE_SECONDS = 300
"""Five minutes either way, as the published library has it."""


def is_signed(body: bytes, *, headers: Mapping[str, str], secrets: Sequence[str]) -> bool:
    """Whether one of the secrets signed the message; ``headers`` with lower-case names."""
    judge = judged_by_library if LIBRARY_INSTALLED else judged_here
    return any(judge(body, headers=headers, secret=secret) for secret in secrets)


def judged_by_library(body: bytes, *, headers: Mapping[str, str], secret: str) -> bool:
    from standardwebhooks import Webhook, WebhookVerificationError  # absent in production

    try:
        Webhook(secret).verify(body, dict(headers))
    except (WebhookVerificationError, ValueError):  # ValueError: junk in secret, signature or body
        return False
    return True


def judged_here(body: bytes, *, headers: Mapping[str, str], secret: str) -> bool:
    message_id, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        fresh = abs(time.time() - int(sent_at)) <= TOLERANCE_SECONDS
    except ValueError:
        return False
    made = hmac.new(key, f"{message_id}.{sent_at}.".encode() + body, hashlib.sha256).digest()
    expected = b"v1," + base64.b64encode(made)
    given = headers.get("webhook-signature", "").encode().split(b" ")
    return bool(message_id) and fresh and any(hmac.compare_digest(expected, each) for each in given)
