"""Addresses of suppliers, matched on the raw, percent-encoded path."""

from django.urls import re_path

from orders.http.raw_paths import COLON
from suppliers.views import DeliveriesView, OrderDataView, ReceiveView, RedeliverView, SendView, StockView

_EVENTS = r"^api/events/v1/(?P<country>[^/]+)/external/(?P<tenant>[^/]+)/"

urlpatterns = [
    re_path(r"^api/Orders\Z", OrderDataView.as_view(), name="order-data"),
    re_path(r"^api/v1/stock\Z", StockView.as_view(), name="stock"),
    re_path(_EVENTS + r"receive\Z", ReceiveView.as_view(), name="supplier-receive"),
    re_path(_EVENTS + r"send\Z", SendView.as_view(), name="supplier-send"),
    re_path(_EVENTS + r"deliveries\Z", DeliveriesView.as_view(), name="supplier-deliveries"),
    re_path(_EVENTS + r"deliveries/(?P<delivery_id>[^/:]+?)" + COLON + r"redeliver\Z", RedeliverView.as_view()),
]
