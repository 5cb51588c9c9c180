"""Addresses of the proxy app, matched on the raw path (orders.http.raw_paths)."""

from __future__ import annotations

from django.urls import path

from proxy.views import DriftView, ProxyConfigView

urlpatterns = [
    path("api/v1/proxy-config", ProxyConfigView.as_view(), name="proxy-config"),
    path("api/v1/proxy-config/drift", DriftView.as_view(), name="proxy-config-drift"),
]
