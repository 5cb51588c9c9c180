"""``manage.py proxy check TENANT``: does the tenant's external service work, and if not, at which step."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders.models import Tenant
from orders.problems import ProxyNotConfigured
from proxy.connection_test import ConnectionTest
from proxy.credentials import read_credentials


class Command(BaseCommand):
    help = "Try a tenant's external service step by step; exit 1 when a step fails."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        check = commands.add_parser("check", help="resolve, connect, TLS, token, read an order, search")
        check.add_argument("tenant", help="the tenant's id")
        check.add_argument("--unit", default="", help="business unit of an order that exists")
        check.add_argument("--order", default="", help="id of an order that exists; without one, 404 is expected")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["unit"]) != bool(options["order"]):
            raise CommandError("Give --unit and --order together.", returncode=2)
        test = _test(options["tenant"], unit=options["unit"], order=options["order"])
        worked = True
        for step in test.run():
            worked = step.ok
            self.stdout.write(f"{'ok    ' if step.ok else 'FAILED'} {step.step:<8} {step.ms:>6} ms  {step.detail}")
        if not worked:
            sys.exit(1)


def _test(slug: str, *, unit: str, order: str) -> ConnectionTest:
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        raise CommandError(f"There is no tenant {slug!r}.", returncode=2)
    if not tenant.external_url:
        raise CommandError(f"Tenant {slug} has no external_url; set it in its onboarding file.", returncode=2)
    try:
        credentials = read_credentials(tenant)
    except ProxyNotConfigured as problem:
        raise CommandError(f"Tenant {slug}: {problem.__cause__ or problem.detail}") from None
    return ConnectionTest(tenant, credentials, order=(unit, order) if order else None, for_ops=True)
