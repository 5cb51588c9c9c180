from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.urls import register_converter


class OrdersConfig(AppConfig):
    name = "orders"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from orders.http.raw_paths import HubId, Segment  # models are not there when this module is read

        register_converter(Segment, "segment")
        register_converter(HubId, "hub_id")
        post_migrate.connect(_keep_roles, sender=self)


def _keep_roles(**signal: Any) -> None:
    """After migrating, as Django makes its own permissions: the roles cover the models of this version."""
    from orders.access.staff import ensure_roles  # models are not there when this module is read

    ensure_roles()
