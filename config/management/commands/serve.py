from typing import Any

from django.core.management.base import BaseCommand

from config.env import BASE_DIR
from config.processes import become, program, refuse_embedded_default


class Command(BaseCommand):
    help = "Serve the hub in production (gunicorn; HUP reloads without closing the port)."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_embedded_default("serve")
        become([program("gunicorn"), "-c", str(BASE_DIR / "config/gunicorn.py"), "config.wsgi:application"])
