"""The tenant lists the orders that its own system has, so that the hub can say which of them are missing."""

from __future__ import annotations

from rest_framework.response import Response

from orders.api.parameters import read_parameters
from orders.api.parsers import ApiRequest, RawJSONParser
from orders.api.schema import Answer, Body, Operation, components
from orders.api.views import ApiView
from orders.cutover import ledger
from orders.documents import parse_listed_orders
from orders.documents.schema import ListedOrders
from orders.documents.value_types import Model, member
from orders.models import KnownOrder, Tenant
from orders.values.problems import BusinessUnitNotAllowed, Fault, NotMigrating, ProxyMode


class KnownOrders(Model):
    known: components.Count = member("Of the business units that the token allows.", 1200)
    added: components.Count = member("How many of those listed were not known before.", 1)


class MigrationOrdersView(ApiView):
    parser_classes = (RawJSONParser,)

    @Operation(
        id="listKnownOrders",
        summary="List orders that your own system has",
        tag="Migration",
        scope="customer-orders:write",
        body=Body(ListedOrders),
        answers={200: Answer("How many are known now", KnownOrders)},
        problems=(ProxyMode, BusinessUnitNotAllowed, NotMigrating),
    )
    def post(self, request: ApiRequest) -> Response:
        """List orders that your own system has. ``added``: of these, how many were not known yet; ``known``: how many
        are known now, of the business units that the token allows. Listing an order again does no harm."""
        body = request.data
        read_parameters(request, {})
        places = parse_listed_orders(body)
        self._check_units(places)
        tenant = Tenant.objects.get(pk=self.caller.tenant.pk)
        if tenant.mode != Tenant.Mode.MIGRATING:
            raise NotMigrating("Orders are listed only while the tenant is migrating; ask the hub's operators.")
        added = ledger.add(tenant.pk, places, how=KnownOrder.How.API)
        return Response({"known": ledger.count(tenant.pk, units=self.caller.business_units), "added": added})

    def _check_units(self, places: list[tuple[str, str]]) -> None:
        faults = [
            Fault(f"/orders/{place}/businessUnitId", "The token's business units do not include this one.")
            for place, (unit, _) in enumerate(places)
            if not self.caller.may_use(unit)
        ]
        if faults:
            raise BusinessUnitNotAllowed(errors=faults)
