from django.apps import AppConfig


class OrderFlowConfig(AppConfig):
    """OrderFlow: a tenant's warehouse gets its orders and products as XML imports."""

    name = "orderflow"
    verbose_name = "OrderFlow"
