"""Addresses of suppliers, matched on the raw, percent-encoded path."""

from django.urls import re_path

from suppliers.views import OrderDataView, SendView

_EVENTS = r"^api/events/v1/(?P<country>[^/]+)/external/(?P<tenant>[^/]+)/"

urlpatterns = [
    re_path(r"^api/Orders$", OrderDataView.as_view(), name="order-data"),
    re_path(_EVENTS + r"send$", SendView.as_view(), name="supplier-send"),
]
