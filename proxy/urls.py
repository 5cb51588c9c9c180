"""Addresses of the proxy app, matched on the raw path."""

from __future__ import annotations

from django.urls import re_path

from proxy.views import DriftView, ProxyConfigView

urlpatterns = [
    re_path(r"^api/v1/proxy-config$", ProxyConfigView.as_view(), name="proxy-config"),
    re_path(r"^api/v1/proxy-config/drift$", DriftView.as_view(), name="proxy-config-drift"),
]
