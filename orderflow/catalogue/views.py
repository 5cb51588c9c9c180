"""``/api/v1/orderflow-channels/{channel}/products/{sku}``: a tenant's products (docs/reference/api.md#operations)."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from orderflow.catalogue import schema
from orderflow.catalogue.product_documents import product_faults
from orderflow.catalogue.products import put_products
from orderflow.models import OrderFlowChannel, Product
from orderflow.onboarding.section import CHANNEL
from orderflow.site.import_documents import REFERENCE_LIMIT, NotSendable, reference_text
from orders.api.parameters import read_parameters
from orders.api.schema import Answer, Body, Operation
from orders.api.views import ApiView
from orders.documents import check_id
from orders.documents.pointers import pointer
from orders.http.raw_paths import fault_of_id
from orders.values.problems import (
    BusinessUnitNotAllowed,
    Fault,
    InvalidBody,
    InvalidId,
    ProxyMode,
    UnknownChannel,
    UnknownProduct,
)

PRODUCTS = "Products"
_SAME_PRODUCT = {name: f"$request.path.{name}" for name in schema.PLACE}


class ProductView(ApiView):
    @Operation(
        id="getProduct",
        summary="Read one product of a warehouse's catalogue",
        tag=PRODUCTS,
        scope="products:write",
        path=schema.PLACE,
        answers={200: Answer("The product as it is sent", schema.StoredProduct)},
        problems=(InvalidId, UnknownChannel, UnknownProduct, ProxyMode),
    )
    def get(self, request: Request, channel: str, sku: str) -> Response:
        """What the catalogue says of the product, and whether the warehouse has taken it."""
        read_parameters(request, {})
        _check(sku)
        product = Product.objects.filter(channel=self._channel(channel), sku=sku).first()
        if product is None:
            raise UnknownProduct("The channel's catalogue has no product under this SKU.")
        answer = {"sku": sku, "status": product.status, "failure": product.failure or None}
        return Response(answer | {"properties": product.properties})

    @Operation(
        id="putProduct",
        summary="Send one product to a warehouse's catalogue",
        tag=PRODUCTS,
        scope="products:write",
        path=schema.PLACE,
        body=Body(schema.Product),
        answers={
            202: Answer(
                "Stored; sent to the warehouse if it changed",
                schema.AcceptedProduct,
                links={"getProduct": _SAME_PRODUCT},
            )
        },
        problems=(InvalidId, UnknownChannel, ProxyMode),
    )
    def put(self, request: Request, channel: str, sku: str) -> Response:
        """The body is the whole product, its properties by OrderFlow's names; what is left out is unset.

        It is sent to the warehouse when its import changed.
        """
        given = request.data
        read_parameters(request, {})
        _check(sku)
        if not isinstance(given, dict):
            raise InvalidBody(errors=[Fault("", 'must be an object such as {"description": "Green beans"}')])
        faults = [Fault(pointer([name]), reason) for name, reason in product_faults(sku, given)]
        if faults:
            raise InvalidBody(errors=faults)
        owner = self._channel(channel)
        self._store(owner, sku, given)
        return Response({"sku": sku, "status": Product.objects.get(channel=owner, sku=sku).status}, status=202)

    def _channel(self, name: str) -> OrderFlowChannel:
        """The tenant's own; another's is as unknown as none."""
        channels = OrderFlowChannel.objects.select_related("destination")
        own = channels.filter(destination__tenant=self.caller.tenant, destination__channel=CHANNEL)
        found = None if check_id(name) else own.filter(destination__name=name).first()
        if found is None:
            raise UnknownChannel("The tenant has no OrderFlow channel of this id.")
        units = found.business_units
        if units is not None and not any(self.caller.may_use(unit) for unit in units):
            raise BusinessUnitNotAllowed("The channel serves none of the business units that the token is valid for.")
        return found

    def _store(self, channel: OrderFlowChannel, sku: str, given: dict[str, Any]) -> None:
        try:
            put_products(channel, {sku: given})
        except NotSendable as reason:
            raise InvalidBody(errors=[Fault(pointer([reason.member]), reason.reason)]) from None


def _check(sku: str) -> None:
    """Ids' own rule, and OrderFlow's for references. Raises InvalidId."""
    reason = fault_of_id(sku)
    if reason is None and len(sku) > REFERENCE_LIMIT:
        reason = f"has {len(sku)} characters; OrderFlow takes at most {REFERENCE_LIMIT}"
    try:
        _ = reason or reference_text("sku", sku)
    except NotSendable as refused:
        reason = refused.reason
    if reason:
        raise InvalidId("The SKU in the path cannot be one.", errors=[Fault("/sku", reason)])
