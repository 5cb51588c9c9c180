"""``manage.py selftest TENANT [--json]``: test every connection of a tenant, print a line each, store the report."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders.access.staff import operator
from orders.models import Tenant
from orders.onboarding.self_test.reports import as_json, as_text
from orders.onboarding.self_test.running import self_test


class Command(BaseCommand):
    help = (
        "Test every connection of a tenant: token, read, search, contract, webhooks, warehouses, its own order service."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", metavar="TENANT", help="the tenant's id")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 0 when nothing failed, 1 when something did or there is no such tenant."""
        tenant = Tenant.objects.filter(slug=options["tenant"]).first()
        if tenant is None:
            known = ", ".join(Tenant.objects.values_list("slug", flat=True)[:20]) or "none yet"
            raise CommandError(f"There is no tenant {options['tenant']!r}. Known are: {known}.")
        run = self_test(tenant, who=operator())
        self.stdout.write((as_json if options["json"] else as_text)(run), ending="")
        if run.failed:
            raise CommandError(f"{run.failed} of {len(run.lines)} lines failed; what to do stands with each.")
