"""Addresses of the core: the customer-order API, matched on the raw path (orders.http.raw_paths)."""

from django.urls import path

from orders.api import customer_orders, fulfilment, load, migration_orders, order_events

_ORDERS = "api/v1/business-units/<segment:business_unit_id>/customer-orders"
_EVENTS = "api/v1/order-events"
_EVENT = _EVENTS + "/<hub_id:event_id>"

urlpatterns = [
    path(_ORDERS + ":search", customer_orders.CustomerOrderSearchView.as_view()),
    path(_ORDERS + "/<segment:customer_order_id>", customer_orders.CustomerOrderView.as_view()),
    path(_ORDERS + "/<segment:customer_order_id>/fulfilment", fulfilment.FulfilmentView.as_view()),
    path("api/v1/customer-orders:load", load.LoadView.as_view()),
    path("api/v1/migration/orders", migration_orders.MigrationOrdersView.as_view()),
    path(_EVENTS, order_events.OrderEventsView.as_view()),
    path(_EVENT + ":preview", order_events.PreviewView.as_view()),
    path(_EVENT + ":retry", order_events.RetryView.as_view()),
    path(_EVENT + ":discard", order_events.DiscardView.as_view()),
    path(_EVENT, order_events.OrderEventView.as_view()),
]
