"""Addresses of suppliers, matched on the raw path (orders.http.raw_paths)."""

from django.urls import path

from suppliers.views import DeliveriesView, OrderDataView, ReceiveView, RedeliverView, SendView, StockView

_EVENTS = "api/events/v1/<segment:country>/external/<segment:tenant>"

urlpatterns = [
    path("api/Orders", OrderDataView.as_view(), name="order-data"),
    path("api/v1/stock", StockView.as_view(), name="stock"),
    path(_EVENTS + "/receive", ReceiveView.as_view(), name="supplier-receive"),
    path(_EVENTS + "/send", SendView.as_view(), name="supplier-send"),
    path(_EVENTS + "/deliveries", DeliveriesView.as_view(), name="supplier-deliveries"),
    path(_EVENTS + "/deliveries/<hub_id:delivery_id>:redeliver", RedeliverView.as_view()),
]
