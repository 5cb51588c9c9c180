"""``manage.py proxy check TENANT`` and ``proxy conformance URL``: does an external service work, and as agreed?"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders.models import Tenant
from orders.outgoing.partner_tokens import ClientCredentials
from orders.values.problems import ProxyNotConfigured
from proxy.conformance import ADVICE, BROKEN, KEPT, Conformance
from proxy.connection_test import ConnectionTest
from proxy.credentials import Credentials, Login, read_credentials

SECRET_VARIABLE = "OMS_SECRET"
ANYWHERE = tuple(ipaddress.ip_network(text) for text in ("0.0.0.0/0", "::/0"))


class Command(BaseCommand):
    help = "Try an external service: of a tenant step by step, or any URL against the whole contract."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        check = commands.add_parser("check", help="resolve, connect, TLS, token, read an order, search, contract")
        check.add_argument("tenant", help="the tenant's id")
        check.add_argument("--unit", default="", help="business unit of an order that exists")
        check.add_argument("--order", default="", help="id of an order that exists; without one, 404 is expected")
        _add_conformance(commands.add_parser("conformance", help="the rules of docs/guides/external-service.md"))

    def handle(self, *args: Any, **options: Any) -> None:
        kept = self._check(options) if options["command"] == "check" else self._conformance(options)
        if not kept:
            sys.exit(1)

    def _check(self, options: dict[str, Any]) -> bool:
        if bool(options["unit"]) != bool(options["order"]):
            raise CommandError("Give --unit and --order together.", returncode=2)
        worked = True
        for step in _test(options["tenant"], unit=options["unit"], order=options["order"]).run():
            worked = step.ok
            self.stdout.write(f"{KEPT if step.ok else BROKEN:<6} {step.step:<8} {step.ms:>6} ms  {step.detail}")
        return worked

    def _conformance(self, options: dict[str, Any]) -> bool:
        tenant = Tenant(
            slug=options["tenant_id"],
            external_url=options["url"],
            proxy_timeout_seconds=options["timeout"],
        )
        run = Conformance(tenant, _given(options), unit=options["unit"], order=options["order"])
        verdicts = []
        with _anywhere():
            for finding in run.run():
                verdicts.append(finding.verdict)
                line = f"{finding.verdict:<6} {finding.check:<22} {finding.ms:>6} ms  {finding.detail}"
                self.stdout.write(line)
                self.stdout.flush()
        broken, advised = verdicts.count(BROKEN), verdicts.count(ADVICE)
        verdict = "does NOT keep" if broken else "keeps"
        self.stdout.write(
            f"\n{options['url']} {verdict} the contract: {len(verdicts) - broken} kept ({advised} with advice), "
            f"{broken} broken. The rules: docs/guides/external-service.md"
        )
        return not broken


def _add_conformance(parser: CommandParser) -> None:
    parser.add_argument("url", help="what the tenant's external_url would be: https://oms.example.com/api/v1")
    parser.add_argument("--username", default="", help="of Basic authentication")
    parser.add_argument("--password", default="", help=f"or in the environment as {SECRET_VARIABLE}")
    parser.add_argument("--client-id", default="", help="of OAuth2 client credentials, with --auth-url")
    parser.add_argument("--client-secret", default="", help=f"or in the environment as {SECRET_VARIABLE}")
    parser.add_argument("--auth-url", default="", help="the token endpoint")
    parser.add_argument("--tenant-id", default="conformance", help="sent as Tenant-Id")
    parser.add_argument("--unit", default="store-1", help="a business unit with orders (default store-1)")
    parser.add_argument("--order", default="", help="an order in it; default the first that a search finds")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds a single call may take (default 30)")


def _given(options: dict[str, Any]) -> Credentials:
    secret = os.environ.get(SECRET_VARIABLE, "")
    if options["username"] and not options["client_id"]:
        return Login(options["username"], options["password"] or secret)
    if options["client_id"] and options["auth_url"] and not options["username"]:
        return ClientCredentials(options["auth_url"], options["client_id"], options["client_secret"] or secret)
    raise CommandError("Give either --username, or --client-id and --auth-url.", returncode=2)


@contextmanager
def _anywhere() -> Iterator[None]:
    """A person at a shell may try whatever this machine reaches, such as a service under development on loopback."""
    before = settings.HUB_OUTBOUND_ALLOWED_NETWORKS, settings.HUB_OUTBOUND_ALLOW_HTTP
    settings.HUB_OUTBOUND_ALLOWED_NETWORKS, settings.HUB_OUTBOUND_ALLOW_HTTP = ANYWHERE, True
    try:
        yield
    finally:
        settings.HUB_OUTBOUND_ALLOWED_NETWORKS, settings.HUB_OUTBOUND_ALLOW_HTTP = before


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
