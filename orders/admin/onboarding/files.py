"""The onboarding file in the admin: upload, a preview of what would change, apply; and export.

Between preview and applying the file travels in the page, sealed with the hub's key for this login: it may hold
secrets, which no page shows.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from orders.access.sealing import SecretLost, open_bytes, seal_bytes
from orders.admin.base import bound_tenant
from orders.admin.confirmation import MEANWHILE, ConfirmationRequired
from orders.integrations.onboarding_faults import SHOWN_FAULTS, FileRefused, path_of
from orders.integrations.onboarding_report import Report
from orders.models import Tenant
from orders.onboarding.files import Agree, apply_file, export_tenant, unasked

if TYPE_CHECKING:
    from orders.admin.base import HubAdmin

UPLOAD_BYTES = 1024 * 1024
"""Sealed and in base64 it stays below what Django takes in a form (2.5 MB); larger ones go by the command."""
UPLOAD_MARKS = 50_000
"""Commas, colons, line breaks and brackets, of which every value of YAML has one; read in some two seconds."""
_MARKS = b",:\n\r[]{}"
NAME_CHARACTERS = 200


def file_view(model_admin: HubAdmin, request: HttpRequest) -> HttpResponse:
    """A file may name any tenant, so it takes a login of the hub's own staff."""
    if not model_admin.has_add_permission(request) or not model_admin.has_change_permission(request):
        raise PermissionDenied
    if bound_tenant(request) is not None:
        raise PermissionDenied
    shown: dict[str, Any] = {"most_megabytes": UPLOAD_BYTES // 1024 // 1024}
    if request.method == "POST":
        shown |= _applied(request) if "sealed" in request.POST else _previewed(request)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "Apply an onboarding file",
        "back": reverse("admin:orders_tenant_changelist"),
        **shown,
    }
    response = TemplateResponse(request, "admin/orders/onboarding/file.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


def export_view(tenant: Tenant) -> HttpResponse:
    """Secrets come out as the mask, which keeps what is stored when the file is applied again."""
    response = HttpResponse(export_tenant(tenant), content_type="application/yaml; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{tenant.slug}.yaml"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _previewed(request: HttpRequest) -> dict[str, Any]:
    upload = request.FILES.get("file")
    if upload is None or upload.size is None:
        return {"fault": "Choose a file first."}
    if upload.size > UPLOAD_BYTES:
        return {
            "fault": f"The file has {upload.size // 1024} KB; up to {UPLOAD_BYTES // 1024} KB are accepted here. "
            "Split it by tenant, or apply it with manage.py onboard."
        }
    name, content = _shown_name(upload.name), upload.read()
    if len(content) - len(content.translate(None, _MARKS)) > UPLOAD_MARKS:
        return {"fault": "The file has too many values to be read here. Split it, or apply it with manage.py onboard."}
    tried = _tried(request, name, content, dry_run=True)
    return tried | ({} if "faults" in tried else {"sealed": _sealed(request, name, content, tried["report"])})


def _applied(request: HttpRequest) -> dict[str, Any]:
    try:
        name, seen, content = _opened(request, request.POST["sealed"])
    except (SecretLost, ValueError, binascii.Error):
        return {"fault": "Nothing was changed: the preview is no longer valid. Upload the file again."}

    def agree(report: Report) -> None:
        if report.fingerprint != seen:
            raise ConfirmationRequired(report, fault=MEANWHILE)

    try:
        return _tried(request, name, content, dry_run=False, agree=agree)
    except ConfirmationRequired as required:
        shown = _result(name, required.report, dry_run=True)
        return {"fault": required.fault, "sealed": _sealed(request, name, content, required.report), **shown}


def _tried(request: HttpRequest, name: str, content: bytes, *, dry_run: bool, agree: Agree = unasked) -> dict[str, Any]:
    try:
        report = apply_file(content, file=name, who=request.user.get_username(), dry_run=dry_run, agree=agree)
    except FileRefused as refused:
        faults = [(fault.line, path_of(fault.place), fault.because) for fault in refused.faults]
        return {"name": name, "faults": faults[:SHOWN_FAULTS], "more_faults": max(0, len(faults) - SHOWN_FAULTS)}
    return _result(name, report, dry_run=dry_run)


def _result(name: str, report: Report, *, dry_run: bool) -> dict[str, Any]:
    shown = {"changes": report.differences, "effects": report.effects, "done": not dry_run}
    return {"name": name, "report": report, **shown} | _made(report, dry_run)


def _made(report: Report, dry_run: bool) -> dict[str, Any]:
    """In a preview only which secrets would be made."""
    if dry_run:
        return {"would_make": [f"{name} of {what}" for what, name, _ in report.secrets]}
    return {"secrets": report.secrets}


def _shown_name(name: str | None) -> str:
    return "".join(letter for letter in name or "the file" if letter.isprintable())[:NAME_CHARACTERS]


def _sealed(request: HttpRequest, name: str, content: bytes, report: Report) -> str:
    head = f"{name}\0{report.fingerprint}\0".encode()
    key_id, sealed = seal_bytes(head + content, context=_context(request))
    return f"{key_id}:{base64.b64encode(sealed).decode()}"


def _opened(request: HttpRequest, text: str) -> tuple[str, str, bytes]:
    """The file's name, the fingerprint of what was shown, the file."""
    key_id, _, sealed = text.partition(":")
    opened = open_bytes(key_id, base64.b64decode(sealed, validate=True), context=_context(request))
    name, seen, content = opened.split(b"\0", 2)
    return name.decode(), seen.decode(), content


def _context(request: HttpRequest) -> str:
    return f"onboarding file uploaded by user {request.user.pk}"
