"""``manage.py orderflow preview ORDER``: the exact XML an order would be sent as, and every check, sending nothing."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orderflow.imports.preview import Preview, previews
from orders.models import Order


class Command(BaseCommand):
    help = "Show what an order would be sent to OrderFlow as. Exit 0 sendable to every channel, 1 not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=["preview"])
        parser.add_argument("order", metavar="ORDER", help="a customerOrderId")
        parser.add_argument("--tenant", help="the tenant's id, where several have such an order")
        parser.add_argument("--business-unit", help="where several business units have such an order")

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(previews(_order(options)))
        if not found:
            raise CommandError("The tenant has no OrderFlow channel; add one with manage.py onboard.")
        for preview in found:
            self._show(preview)
        if not all(preview.passed for preview in found):
            raise CommandError("Not every channel takes it as it is; see the lines marked ✕.")

    def _show(self, preview: Preview) -> None:
        self.stdout.write(f"Channel {preview.channel}:")
        for check in preview.checks:
            self.stdout.write(f"  {'✓' if check.passed else '✕'} {check.text}")
        if preview.sendable:
            self.stdout.write(preview.body.decode())


def _order(options: dict[str, Any]) -> Order:
    """Raises CommandError for no such order, or several."""
    orders = Order.objects.filter(customer_order_id=options["order"]).select_related("tenant")
    if options["tenant"]:
        orders = orders.filter(tenant__slug=options["tenant"])
    if options["business_unit"]:
        orders = orders.filter(business_unit_id=options["business_unit"])
    found = list(orders[:11])
    if not found:
        raise CommandError(f"There is no order {options['order']} here; check --tenant and --business-unit.")
    if len(found) > 1:
        places = ", ".join(f"{order.tenant.slug}/{order.business_unit_id}" for order in found[:10])
        raise CommandError(f"Several orders are called {options['order']} ({places}); add --tenant or --business-unit.")
    return found[0]
