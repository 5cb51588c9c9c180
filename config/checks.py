"""What a deployment must not have (``manage.py check --deploy``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security, deploy=True)
def no_fault_injection(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """HUB_FAULT_INJECTION is refused here (docs/reference/environment.md#fault-injection)."""
    if not settings.HUB_FAULT_INJECTION:
        return []
    hint = "Unset HUB_FAULT_INJECTION, or orders whose id begins with fault- will fail on purpose."
    return [Error("Fault injection is on.", hint=hint, id="orderhub.E001")]
