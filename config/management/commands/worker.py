import signal
import subprocess
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.processes import become, refuse_embedded_default, worker_command

QUEUES = ("inbound", "outbound")


class Command(BaseCommand):
    help = "Run the workers of one or both queues: inbound applies events, outbound sends to partners."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--queues", default="", help="inbound, outbound, or both separated by a comma (default)")

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_embedded_default("worker")
        asked = options["queues"]
        queues = list(QUEUES) if asked in ("", "both") else [part.strip() for part in asked.split(",")]
        if not set(queues) <= set(QUEUES):
            raise CommandError("QUEUES must be inbound, outbound or both separated by a comma")
        if len(queues) == 1:
            become(worker_command(queues[0]))
        self._run_both(queues)

    def _run_both(self, queues: list[str]) -> None:
        """Both as children; the first that ends ends the other, and its exit code is ours."""
        children = [subprocess.Popen(worker_command(queue)) for queue in queues]  # noqa: S603  # our own fixed command

        def stop(number: int, frame: FrameType | None) -> None:
            for child in children:
                if child.poll() is None:
                    child.send_signal(number)

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        codes = _wait(children)
        if any(codes):
            raise CommandError(f"a worker ended with exit code {max(codes, key=abs)}")


def _wait(children: list["subprocess.Popen[bytes]"]) -> list[int]:
    while all(child.poll() is None for child in children):
        try:
            children[0].wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            continue
    for child in children:
        if child.poll() is None:
            child.terminate()
    return [child.wait() for child in children]
