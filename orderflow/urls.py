"""OrderFlow's part of the HTTP API, matched on the raw path (orders.http.raw_paths)."""

from django.urls import path

from orderflow.catalogue.views import ProductView

urlpatterns = [
    path("api/v1/orderflow-channels/<segment:channel>/products/<segment:sku>", ProductView.as_view()),
]
