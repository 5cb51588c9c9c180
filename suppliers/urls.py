"""Addresses of suppliers, matched on the raw, percent-encoded path."""

from django.urls import re_path

from suppliers.views import OrderDataView, ReceiveView, SendView, StockView

_EVENTS = r"^api/events/v1/(?P<country>[^/]+)/external/(?P<tenant>[^/]+)/"

urlpatterns = [
    re_path(r"^api/Orders\Z", OrderDataView.as_view(), name="order-data"),
    re_path(r"^api/v1/stock\Z", StockView.as_view(), name="stock"),
    re_path(_EVENTS + r"receive\Z", ReceiveView.as_view(), name="supplier-receive"),
    re_path(_EVENTS + r"send\Z", SendView.as_view(), name="supplier-send"),
]
