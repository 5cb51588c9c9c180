import os

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Composition: settings, addresses, processes and the demo."""

    name = "config"

    def ready(self) -> None:
        from config import celery, checks  # noqa: F401  # each registers itself
        from config.processes import begin_anew  # models are not there when this module is read

        os.register_at_fork(after_in_child=begin_anew)
