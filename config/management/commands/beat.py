from typing import Any

from django.core.management.base import BaseCommand

from config.processes import become, program, refuse_embedded_default


class Command(BaseCommand):
    help = "Run the scheduler (two at once do no harm)."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_embedded_default("beat")
        scheduler = "config.scheduler:PulsingScheduler"
        become([program("celery"), "-A", "config", "beat", "-S", scheduler, "--loglevel", "WARNING"])
