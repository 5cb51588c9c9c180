"""``manage.py doctor``: check this deployment and name the next step for each problem."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.doctor import Verdict, examine


class Command(BaseCommand):
    help = "Check this deployment: one line per finding, with the next step. Exit code 0 when nothing is wrong, else 1."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object per finding")

    def handle(self, *args: Any, **options: Any) -> None:
        counts: Counter[Verdict] = Counter()
        for finding in examine():
            counts[finding.verdict] += 1
            as_json = json.dumps(asdict(finding) | {"verdict": finding.verdict.value}, ensure_ascii=False)
            self.stdout.write(as_json if options["json"] else finding.line())
        if not options["json"]:
            self.stdout.write(_summed(counts))
        if counts[Verdict.WRONG]:
            raise SystemExit(1)


def _summed(counts: Counter[Verdict]) -> str:
    warnings = f"{counts[Verdict.WARNING]} warning{'' if counts[Verdict.WARNING] == 1 else 's'}"
    if counts[Verdict.WRONG]:
        return f"{counts[Verdict.WRONG]} wrong, {warnings}. Correct the first one first."
    return f"Nothing is wrong; {warnings}."
