"""Every address of the hub. The API's are matched on the raw, percent-encoded path (orders.api.paths)."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView
from oauth2_provider.views import TokenView

from orders.api.views import UnknownPath

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(url="/admin/")),
    path("admin/", admin.site.urls),
    path("oauth2/token", TokenView.as_view(), name="token"),
    path("", include("orders.urls")),
    path("", include("suppliers.urls")),
    path("", include("orderflow.urls")),
    path("", include("proxy.urls")),
    re_path(r"^api/", UnknownPath.as_view()),
]
