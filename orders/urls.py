"""Addresses of the core: the customer-order API. Patterns see the raw, percent-encoded path."""

from django.urls import re_path

from orders.api import customer_orders, fulfilment, load, migration_orders, order_events
from orders.http.raw_paths import COLON

_ORDERS = r"^api/v1/business-units/(?P<business_unit_id>[^/]+)/customer-orders"
_EVENT = r"^api/v1/order-events/(?P<event_id>[^/:]+?)"

urlpatterns = [
    re_path(_ORDERS + COLON + r"search\Z", customer_orders.CustomerOrderSearchView.as_view()),
    re_path(_ORDERS + r"/(?P<customer_order_id>[^/]+)\Z", customer_orders.CustomerOrderView.as_view()),
    re_path(_ORDERS + r"/(?P<customer_order_id>[^/]+)/fulfilment\Z", fulfilment.FulfilmentView.as_view()),
    re_path(r"^api/v1/customer-orders" + COLON + r"load\Z", load.LoadView.as_view()),
    re_path(r"^api/v1/migration/orders\Z", migration_orders.MigrationOrdersView.as_view()),
    re_path(r"^api/v1/order-events\Z", order_events.OrderEventsView.as_view()),
    re_path(_EVENT + COLON + r"preview\Z", order_events.PreviewView.as_view()),
    re_path(_EVENT + COLON + r"retry\Z", order_events.RetryView.as_view()),
    re_path(_EVENT + COLON + r"discard\Z", order_events.DiscardView.as_view()),
    re_path(_EVENT + r"\Z", order_events.OrderEventView.as_view()),
]
