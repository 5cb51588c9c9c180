"""OrderFlow's part of the HTTP API, matched on the raw, percent-encoded path."""

from django.urls import re_path

from orderflow.catalogue.views import ProductView

urlpatterns = [
    re_path(r"^api/v1/orderflow-channels/(?P<channel>[^/]+)/products/(?P<sku>[^/]+)\Z", ProductView.as_view()),
]
