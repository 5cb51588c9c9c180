from django.apps import AppConfig


class ProxyApp(AppConfig):
    """Reading a tenant's orders through from its own order management system."""

    name = "proxy"
    default_auto_field = "django.db.models.BigAutoField"
