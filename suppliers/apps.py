from django.apps import AppConfig


class SuppliersConfig(AppConfig):
    """Suppliers: notified of their part of an order, they fetch it and report back."""

    name = "suppliers"
