"""``manage.py erase --tenant T --customer ID``: erases what is personal of one customer (orders.retention.erasure)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders.access.staff import operator
from orders.models import Tenant
from orders.retention.erasure import Asked, Report, erase


class Command(BaseCommand):
    help = (
        "Erase a customer's personal data in orders, events, deliveries, attempts, the timeline and partners' reports. "
        "Ids, sequences and digests stay; it can be run again. Exit 0 done, 1 some orders wait, 2 wrong use."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="T", help="id of the tenant")
        parser.add_argument("--customer", required=True, metavar="ID", help="customerId, letter for letter")
        parser.add_argument("--dry-run", action="store_true", help="count what would be erased, change nothing")
        parser.add_argument("--reason", default="", metavar="TEXT", help="for the record; name nobody in it")
        parser.add_argument(
            "--thorough", action="store_true", help="read every event of the tenant: finds orders that changed hands"
        )
        parser.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="per order with work under way")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']!r}.", returncode=2)
        asked = Asked(
            tenant, options["customer"], who=operator(), reason=options["reason"], thorough=options["thorough"],
            wait_seconds=options["wait"],
        )  # fmt: skip
        report = erase(asked, dry_run=options["dry_run"])
        self._tell(report, done="Would erase" if options["dry_run"] else "Erased")
        if report.waiting:
            raise CommandError(f"{len(report.waiting)} order(s) left as they are; see above.", returncode=1)

    def _tell(self, report: Report, *, done: str) -> None:
        """One line per kind of row, then one per order that waits."""
        self.stdout.write(f"{done}: {report.orders} order(s) with personal data of the customer.")
        for kind, count in sorted(report.counts.items()):
            self.stdout.write(f"  {kind}: {count}")
        for sentence in report.waiting:
            self.stdout.write(sentence)
