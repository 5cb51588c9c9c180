"""Self-tests in the admin: each run with its lines, to read and to download."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.urls.resolvers import URLPattern
from django.utils.safestring import SafeString

from orders.admin.base import EvidenceAdmin
from orders.admin.masking import masker_for
from orders.models import SelfTest
from orders.onboarding.self_test.reports import FORMS, verdict
from orders.onboarding.self_test.running import lines_of
from orders.values.labels import ago, mark

QUOTING = ("road", "step", "detail", "next_step")
"""Members of a stored line; ``road`` is its area."""


@admin.register(SelfTest)
class SelfTestAdmin(EvidenceAdmin):
    empty_words = "No tenant was tested yet. Open a tenant and press Self-test."
    list_display = ("when", "tenant", "result", "summary", "who")
    list_filter = ("tenant",)
    list_select_related = ("tenant",)

    def covered(self, request: HttpRequest, rows: Sequence[SelfTest]) -> Sequence[SelfTest]:
        """Details quote partners; they are about no order that is stored here."""
        mask = masker_for(request, None).text
        for run in rows:
            run.lines = [line | {word: mask(line.get(word, "")) for word in QUOTING} for line in run.lines]
        return rows

    @admin.display(description="when")
    def when(self, run: SelfTest) -> SafeString | str:
        return ago(run.at)

    @admin.display(description="result")
    def result(self, run: SelfTest) -> SafeString:
        return mark(f"{run.failed} failed", "stopped") if run.failed else mark("ok", "ok")

    @admin.display(description="summary")
    def summary(self, run: SelfTest) -> str:
        return verdict(run)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.report)
        return [path("<id:pk>/report.<str:form>", view, name="orders_selftest_report"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        run = self.get_object(request, object_id)
        if request.method != "GET" or run is None or not self.has_view_permission(request, run):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": f"Self-test of {run.tenant.name}",
            "run": run,
            "lines": lines_of(run),
            "verdict": verdict(run),
            "tenant_url": reverse("admin:orders_tenant_change", args=(run.tenant_id,)),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/orders/onboarding/self_test.html", context)

    def report(self, request: HttpRequest, pk: int, form: str) -> HttpResponse:
        """A download in one of ``FORMS``."""
        run = self.get_object(request, str(pk))
        if run is None or not self.has_view_permission(request, run):
            raise PermissionDenied
        if form not in FORMS:
            raise Http404("Reports are txt, html or json.")
        write, content_type = FORMS[form]
        response = HttpResponse(write(run), content_type=content_type)
        name = f"self-test-{run.tenant.slug}-{run.at:%Y%m%d-%H%M%S}.{form}"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response
