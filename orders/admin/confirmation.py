"""Confirmation of a change of an active tenant: it is shown first, with its effects, and made when the person agrees.

Exactly what was shown is changed: the form is in the page, sealed for this login and this page, with the fingerprint of
the changes. If the same form would make other changes by now, nothing is changed and those are shown instead.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse

from orders.access.sealing import SecretLost, open_bytes, seal_bytes
from orders.integrations.onboarding_faults import FileRefused
from orders.integrations.onboarding_report import Report
from orders.integrations.onboarding_steps import sentence
from orders.models import Tenant
from orders.onboarding.files import Agree

if TYPE_CHECKING:
    from orders.admin.base import HubAdmin

AGREED = "agreed"
"""The field of the confirmation page with the form and the fingerprint of what was shown."""
LOST = "Not saved: this confirmation is no longer valid. Enter the change again."
MEANWHILE = "Not saved: the settings were changed in the meantime. Check the changes below again."


class ConfirmationRequired(Exception):
    """The change needs the person's confirmation; nothing was changed."""

    def __init__(self, report: Report, *, fault: str = "") -> None:
        super().__init__(fault or "confirmation required")
        self.report, self.fault = report, fault


def confirmed_by(request: HttpRequest, tenant: Tenant) -> Agree:
    """For the service that makes the change: raises ConfirmationRequired unless exactly it was confirmed."""
    confirmed = vars(request).get("_confirmed")

    def agree(report: Report) -> None:
        if confirmed is not None and confirmed != report.fingerprint:
            raise ConfirmationRequired(report, fault=MEANWHILE)
        if confirmed is None and report.differences and Tenant.objects.filter(pk=tenant.pk, active=True).exists():
            raise ConfirmationRequired(report)

    return agree


def restore_form(request: HttpRequest) -> bool:
    """Replace a confirmation by the form that it confirms; False if that can no longer be opened."""
    if AGREED not in request.POST:
        return True
    try:
        vars(request)["_confirmed"], form = _opened(request, request.POST[AGREED])
    except (SecretLost, ValueError, binascii.Error):
        return False
    request.POST = QueryDict(form, encoding="utf-8")
    return True


def expired(request: HttpRequest) -> HttpResponse:
    messages.error(request, LOST)
    return HttpResponseRedirect(request.get_full_path())


def page(model_admin: HubAdmin, request: HttpRequest, required: ConfirmationRequired, *, name: str) -> HttpResponse:
    """The confirmation page with the changes. Secrets may be sealed in it."""
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"Change {name}?",
        "changes": required.report.differences,
        "effects": required.report.effects,
        "would_make": [f"{secret} of {what}" for what, secret, _ in required.report.secrets],
        "fault": required.fault,
        "sealed": _sealed(request, required.report.fingerprint),
        "back": request.get_full_path(),
    }
    response = TemplateResponse(request, "admin/orders/confirmation.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


class ConfirmsChanges:
    """Mixed into a page of settings whose ``save_model`` gives ``confirmed_by`` to a service.

    A fault that only the service finds stands beside its field, as the form's own do.
    """

    def changeform_view(
        self: Any, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not restore_form(request):
            return expired(request)
        view: Callable[..., HttpResponse] = super().changeform_view  # type: ignore[misc]
        try:
            return view(request, object_id, form_url, extra_context)
        except ConfirmationRequired as required:
            row = self.get_object(request, object_id) if object_id else None
            return page(self, request, required, name=str(row or self.opts.verbose_name))
        except FileRefused as refused:
            vars(request)["_refused"] = refused
            return view(request, object_id, form_url, extra_context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        refused = vars(request).get("_refused")
        return form if refused is None else type(form)(form.__name__, (_Refused, form), {"refused": refused})


class _Refused:
    """A form that the service refused: the reasons stand beside its fields."""

    refused: FileRefused

    def clean(self: Any) -> Any:
        values = super().clean()  # type: ignore[misc]
        for fault in self.refused.faults:
            field = next((part for part in reversed(fault.place) if part in self.fields), None)
            self.add_error(field, sentence(fault.because) if field else str(fault))
        return values


def _sealed(request: HttpRequest, fingerprint: str) -> str:
    content = json.dumps([fingerprint, request.POST.urlencode()]).encode()
    key_id, sealed = seal_bytes(content, context=_context(request))
    return f"{key_id}:{base64.b64encode(sealed).decode()}"


def _opened(request: HttpRequest, text: str) -> tuple[str, str]:
    key_id, _, sealed = text.partition(":")
    opened = open_bytes(key_id, base64.b64decode(sealed, validate=True), context=_context(request))
    fingerprint, form = json.loads(opened)
    return fingerprint, form


def _context(request: HttpRequest) -> str:
    return f"change asked of user {request.user.pk} at {request.path}"
