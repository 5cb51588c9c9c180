"""``manage.py mock_orderflow``: the simulated OrderFlow site, in the foreground."""

from __future__ import annotations

import secrets
from typing import Any

from django.core.management.base import CommandParser

from orderflow.simulator.server import COURIERS, MockOrderFlow
from orders.simulators.command import SimulatorCommand


class Command(SimulatorCommand):
    help = "Run a simulated OrderFlow site on loopback. --delay is before the answer to every POST."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        many: dict[str, Any] = {"action": "append", "default": []}
        parser.add_argument("--channel", help="an authenticated channel (repeatable); default MYCHANNEL", **many)
        parser.add_argument("--organisation", help="a known organisation (repeatable); default altco", **many)
        parser.add_argument("--courier", help=f"a known courier (repeatable); default {', '.join(COURIERS)}", **many)
        parser.add_argument("--product", metavar="SKU", help="an active product of everybody's (repeatable)", **many)
        parser.add_argument("--user", default="hub")
        parser.add_argument("--password", help="made and printed when absent")
        parser.add_argument("--time-zone", default="Europe/London", help="of the site")
        parser.add_argument(
            "--duplicates-in", choices=["importDuplicates", "importFailures"], default="importDuplicates"
        )

    def simulator(self, options: dict[str, Any]) -> MockOrderFlow:
        site = MockOrderFlow(
            port=options["port"],
            channels=options["channel"] or ("MYCHANNEL",),
            organisations=options["organisation"] or ("altco",),
            users={options["user"]: options["password"] or secrets.token_urlsafe(12)},
            couriers=options["courier"] or COURIERS,
            time_zone=options["time_zone"],
        )
        for reference in options["product"]:
            site.site.add_product(reference)
        site.duplicates_section = options["duplicates_in"]
        site.delay = options["delay"]
        return site
