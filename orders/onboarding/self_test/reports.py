"""The report of a self-test as text, stand-alone HTML or JSON. It has no secret and no personal data."""

from __future__ import annotations

import json
from collections.abc import Iterator

from django.conf import settings
from django.template.loader import render_to_string

from orders.models import SelfTest
from orders.onboarding.self_test.running import lines_of
from orders.values.time_text import exact


def verdict(run: SelfTest) -> str:
    """``9 lines in 1.2 s: 7 ok, 1 failed, 1 not applicable.``"""
    outcomes = [line.outcome for line in lines_of(run)]
    counts = ", ".join(f"{outcomes.count(word)} {word}" for word in ("ok", "failed", "not applicable"))
    return f"{len(outcomes)} line{'' if len(outcomes) == 1 else 's'} in {run.ms / 1000:.1f} s: {counts}."


def as_text(run: SelfTest) -> str:
    return "\n".join(_text_lines(run)) + "\n"


def _text_lines(run: SelfTest) -> Iterator[str]:
    yield f"Self-test of {run.tenant.name} ({run.tenant.slug}), {run.tenant.mode} mode"
    yield f"{exact(run.at)}, by {run.who}, at {settings.HUB_PUBLIC_URL}"
    yield verdict(run)
    yield ""
    for line in lines_of(run):
        yield f"{line.outcome:<15}{line.area}: {line.step} ({line.ms} ms). {line.detail}"
        if line.next_step:
            yield f"{'':<15}Next: {line.next_step}"


def as_json(run: SelfTest) -> str:
    report = {
        "tenant": run.tenant.slug,
        "mode": run.tenant.mode,
        "publicUrl": settings.HUB_PUBLIC_URL,
        "at": run.at.isoformat(),
        "who": run.who,
        "ms": run.ms,
        "failed": run.failed,
        "lines": run.lines,
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def as_html(run: SelfTest) -> str:
    shown = {"run": run, "lines": lines_of(run), "verdict": verdict(run), "public_url": settings.HUB_PUBLIC_URL}
    return render_to_string("admin/orders/onboarding/self_test_report.html", shown)


FORMS = {
    "txt": (as_text, "text/plain; charset=utf-8"),
    "html": (as_html, "text/html; charset=utf-8"),
    "json": (as_json, "application/json"),
}
"""Downloads, by the extension of the file name."""
