"""The base of the commands that run one simulator in the foreground."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders.simulators.base import CannotListen, Simulator, run


class SimulatorCommand(BaseCommand):
    """``--port`` and ``--delay``, the line that says where it is, a clean end; a subclass makes the simulator."""

    requires_system_checks = ()  # needs no database and no keys

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=port_number, default=0, help="port on 127.0.0.1; 0 (default) takes a free one"
        )
        parser.add_argument("--delay", type=milliseconds, default=0.0, help="milliseconds before every answer")

    def simulator(self, options: dict[str, Any]) -> Simulator:
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run(self.simulator(options), announce=self.announce)
        except (CannotListen, ValueError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write("stopped")

    def announce(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def port_number(text: str) -> int:
    number = int(text) if text.isdecimal() else -1
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 0 to 65535")
    return number


def milliseconds(text: str) -> float:
    """Seconds, from an argument in milliseconds."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of milliseconds")
    return int(text) / 1000
