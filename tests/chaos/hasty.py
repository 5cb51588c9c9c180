"""The hub's settings, with calls to partners that end sooner, so that a drill meets their limits and settles.

A settings module and the application that changes the limits, in one; a courier of a drill runs with it.
"""

import os

from django.apps import AppConfig

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

CALL_SECONDS = float(os.environ.get("CHAOS_CALL_SECONDS", "5"))
"""By default longer than a partner of a drill takes for an answer on loaded cores; the real limits are 30 and 300 s."""


class Hasty(AppConfig):
    name = "tests.chaos.hasty"
    label = "hasty"

    def ready(self) -> None:
        from orderflow.imports import channel as imports
        from orderflow.imports import unanswered
        from orders.integrations.channels import LEASE_MARGIN_SECONDS
        from suppliers.webhooks import channel as webhooks

        for module in (imports, unanswered, webhooks):
            module.CALL_SECONDS = min(module.CALL_SECONDS, CALL_SECONDS)
        for module, channel in ((imports, imports.OrderFlowImports), (webhooks, webhooks.SupplierWebhooks)):
            channel.lease_seconds = module.CALL_SECONDS + LEASE_MARGIN_SECONDS


INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos.hasty.Hasty"]
