"""How the core's endpoints appear in the OpenAPI document."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema


class documented:  # noqa: N801  # a namespace read as a word where it decorates
    get_order = extend_schema(operation_id="getCustomerOrder")
    put_order = extend_schema(operation_id="putCustomerOrder")
    search_orders = extend_schema(operation_id="searchCustomerOrders")
    list_events = extend_schema(operation_id="listOrderEvents")
    get_event = extend_schema(operation_id="getOrderEvent")
    operate_event = extend_schema(operation_id="operateOrderEvent")
