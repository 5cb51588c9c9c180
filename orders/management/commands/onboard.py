"""``manage.py onboard FILE [--dry-run]``: tenants and all that belongs to them from one YAML file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders.access.staff import operator
from orders.integrations.onboarding_faults import FileRefused
from orders.onboarding.files import apply_file

STANDARD_INPUT = "-"


class Command(BaseCommand):
    help = "Apply an onboarding file: all of it or, where it has a fault, nothing (docs/reference/onboarding-file.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="a YAML file, or - for standard input")
        parser.add_argument("--dry-run", action="store_true", help="say what would change and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 0 applied, 1 refused."""
        file, dry_run = options["file"], options["dry_run"]
        try:
            report = apply_file(_content(file), file=_name(file), who=operator(), dry_run=dry_run, environment=True)
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}. Give the path of a YAML file.") from None
        except FileRefused as refused:
            raise CommandError(str(refused)) from None
        for line in report.text(dry_run=dry_run):
            self.stdout.write(line)


def _content(file: str) -> bytes:
    return sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()


def _name(file: str) -> str:
    return "standard input" if file == STANDARD_INPUT else file
