from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


class ConfigConfig(AppConfig):
    """Composition: settings, addresses, processes and the demo."""

    name = "config"

    def ready(self) -> None:
        from config import celery  # noqa: F401  # registers itself
        from config.processes import begin_anew  # models are not there when this module is read

        os.register_at_fork(after_in_child=begin_anew)


@register(Tags.security, deploy=True)
def no_fault_injection(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    """HUB_FAULT_INJECTION is refused here (docs/reference/environment.md#fault-injection)."""
    if not settings.HUB_FAULT_INJECTION:
        return []
    hint = "Unset HUB_FAULT_INJECTION, or orders whose id begins with fault- will fail on purpose."
    return [Error("Fault injection is on.", hint=hint, id="orderhub.E001")]
