"""``manage.py doctor``: is this deployment well, and if not, what to do."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.doctor import Verdict, examine


class Command(BaseCommand):
    help = "Look this deployment over: one line a finding, with the next step. Exit 0 when nothing is wrong, else 1."
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
    if counts[Verdict.WRONG]:
        return f"{counts[Verdict.WRONG]} wrong, {counts[Verdict.LOOK]} worth a look. Begin with the first."
    return f"Nothing is wrong; {counts[Verdict.LOOK]} worth a look."
