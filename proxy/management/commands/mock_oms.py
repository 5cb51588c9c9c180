"""``manage.py mock_oms``: the simulated order management system, in the foreground."""

from __future__ import annotations

import secrets
from typing import Any

from django.core.management.base import CommandParser

from orders.simulators.command import SimulatorCommand
from proxy.simulator.server import MockOms


class Command(SimulatorCommand):
    help = "Run a simulated order management system on loopback."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--seed", type=int, default=0, metavar="N", help="start with N sample orders in store-1")
        parser.add_argument("--username", default="oms", help="of Basic authorization")
        parser.add_argument("--password", help="made and printed when absent")
        parser.add_argument("--client-id", default="hub", help="of POST /oauth2/token")
        parser.add_argument("--client-secret", help="made and printed when absent")
        parser.add_argument(
            "--token-client-form", choices=["both", "basic", "form"], default="both", help="client authentication taken"
        )
        parser.add_argument("--tenant", action="append", help="a Tenant-Id accepted (repeatable); default any")

    def simulator(self, options: dict[str, Any]) -> MockOms:
        oms = MockOms(
            port=options["port"],
            basic=(options["username"], options["password"] or secrets.token_urlsafe(12)),
            client=(options["client_id"], options["client_secret"] or secrets.token_urlsafe(18)),
            token_client_form=options["token_client_form"],
            tenants=frozenset(options["tenant"]) if options["tenant"] else None,
            seed=options["seed"],
        )
        oms.delay = options["delay"]
        return oms
