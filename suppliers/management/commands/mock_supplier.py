"""``manage.py mock_supplier``: the simulated supplier, in the foreground."""

from __future__ import annotations

import argparse
import base64
import secrets
from typing import Any

from django.core.management.base import CommandParser

from orders.simulators.command import SimulatorCommand
from suppliers.simulator.hub_client import HubAccount
from suppliers.simulator.server import MockSupplier


class Command(SimulatorCommand):
    help = "Run a simulated supplier on loopback: it takes webhooks and fetches the order data."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--hub", metavar="URL", help="where to fetch order data; without it nothing is fetched")
        parser.add_argument("--client-id", help="the supplier's API client at the hub")
        parser.add_argument("--client-secret", help="its secret")
        parser.add_argument(
            "--signing-secret",
            action="append",
            default=[],
            type=signing_secret,
            metavar="whsec_…",
            help="check signatures with it (repeatable); without one they are not checked",
        )
        parser.add_argument(
            "--auth",
            choices=["none", "basic", "oauth2"],
            default="none",
            help="asked of the hub; credentials are printed",
        )
        parser.add_argument("--tls", action="store_true", help="listen with a certificate that nobody vouches for")
        parser.add_argument("--username", default="hub", help="of Basic, or the client id of OAuth2")
        parser.add_argument("--password", help="of Basic, or the client secret of OAuth2; made when absent")

    def simulator(self, options: dict[str, Any]) -> MockSupplier:
        credentials = (options["username"], options["password"] or secrets.token_urlsafe(18))
        supplier = MockSupplier(
            port=options["port"],
            account=_account(options),
            signing_secrets=options["signing_secret"],
            basic=credentials if options["auth"] == "basic" else None,
            oauth2=credentials if options["auth"] == "oauth2" else None,
            tls=options["tls"],
        )
        supplier.delay = options["delay"]
        return supplier


def _account(options: dict[str, Any]) -> HubAccount | None:
    given = [options["hub"], options["client_id"], options["client_secret"]]
    if not any(given):
        return None
    if not all(given):
        raise ValueError("To fetch order data give all of --hub, --client-id and --client-secret.")
    return HubAccount(options["hub"].rstrip("/"), options["client_id"], options["client_secret"])


def signing_secret(text: str) -> str:
    try:
        base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        raise argparse.ArgumentTypeError("a signing secret is whsec_ and base64") from None
    return text
