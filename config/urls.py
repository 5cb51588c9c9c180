"""Every address of the hub.

The addresses of the API are matched on the raw, percent-encoded path (orders.http.raw_paths). They come first, so
that a read of a till does not try every page of the admin.
"""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView

from orders.admin.failures import no_page
from orders.admin.staff.sign_in import SecondStep, SecondStepSetUp, SignIn
from orders.admin.tenants.settings_history import changes_view
from orders.api import probes
from orders.api.schema.document import DocsView, openapi
from orders.api.token import TokenEndpoint
from orders.api.views import UnknownPath
from orders.integrations import integrations

admin.autodiscover()  # here, not in every process: workers and most commands show no page

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("orders.urls")),
    *(path("", include(list(one.api_urls()))) for one in integrations()),
    re_path(r"^api/", UnknownPath.as_view()),
    path("", RedirectView.as_view(url="/admin/")),
    path("admin/login/", SignIn.as_view()),
    path("admin/login/second-step/", SecondStep.as_view(), name="second_step"),
    path("admin/second-step/", SecondStepSetUp.as_view(), name="second_step_set_up"),
    path("admin/changes/", admin.site.admin_view(changes_view), name="changes"),
    # In place of Django's page, which reveals which rows of other tenants exist.
    path("admin/r/<path:content_type_id>/<path:object_id>/", admin.site.admin_view(no_page)),
    path("admin/", admin.site.urls),
    path("oauth2/token", TokenEndpoint.as_view(), name="token"),
    path("schemas/v1/openapi.json", openapi, name="openapi"),
    path("docs", DocsView.as_view(), name="docs"),
    path("livez", probes.livez),
    path("readyz", probes.readyz),
    path("healthz", probes.healthz),
    path("metrics", probes.metrics),
]

handler400 = "orders.api.errors.bad_request"
handler403 = "orders.admin.failures.forbidden"
handler404 = "orders.admin.failures.not_found"
handler500 = "orders.admin.failures.failed"
