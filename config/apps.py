from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Composition: settings, addresses, processes and the first-start story."""

    name = "config"

    def ready(self) -> None:
        from config import checks  # noqa: F401  # registers itself
