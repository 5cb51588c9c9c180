"""Alert rules, which notify people of problems, and the incidents that they found."""

from __future__ import annotations

from typing import Annotated, Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from pydantic import AfterValidator
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget

from orders.admin.base import EvidenceAdmin, HistoryAdmin, bound_tenant
from orders.admin.fields import LinesField, TextField
from orders.admin.masking import TEXT
from orders.models import AlertMessage, AlertRule, Incident
from orders.monitoring.alerting.measures import measures
from orders.monitoring.alerting.messages import has_signing_secret, make_signing_secret, try_rule
from orders.onboarding.fields import HttpUrl
from orders.values.labels import ago, link, mark
from orders.values.time_text import exact, in_words


def _email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        raise ValueError(f"has {text!r}, which is no mail address") from None
    return text


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable when run
    kind = forms.ChoiceField(widget=UnfoldAdminSelectWidget, label="What is monitored")
    emails = LinesField(
        annotation=list[Annotated[str, AfterValidator(_email)]],
        required=False,
        label="Mail addresses",
        help_text="One per line.",
    )
    webhook_url = TextField(
        annotation=HttpUrl,
        required=False,
        label="Webhook",
        help_text="Gets a signed POST when an incident starts and when it ends; the signing secret is shown once.",
    )

    class Meta:
        model = AlertRule
        fields = ("tenant", "kind", "threshold", "emails", "webhook_url", "active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" in self.fields:
            self.fields["kind"].choices = [  # type: ignore[attr-defined]
                (name, f"{one.words}, from how many {one.unit} (usual: {one.usual:g})")
                for name, one in measures().items()
            ]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        emails = given.get("emails") or []
        given["emails"] = emails
        if not self.errors and not (emails or given.get("webhook_url")):
            raise ValidationError("Enter whom to notify: a mail address, a webhook, or both.")
        if emails and not settings.HUB_EMAIL_URL:
            self.add_error("emails", "This hub has no mail server yet: set HUB_EMAIL_URL, or notify a webhook.")
        return given


@admin.register(AlertRule)
class AlertRuleAdmin(HistoryAdmin):
    form = RuleForm
    empty_words = "Nobody is notified of problems yet. Add rules for dead letters and stopped destinations first."
    list_display = ("monitored", "owner", "from_how_much", "notifies", "state")
    list_filter = ("tenant", "active")
    list_select_related = ("tenant",)
    actions_detail = ("test_alert", "new_signing_secret")
    fields = ("tenant", "kind", "threshold", "emails", "webhook_url", "active")

    @admin.display(description="what is monitored", ordering="kind")
    def monitored(self, rule: AlertRule) -> str:
        known = measures().get(rule.kind)
        return known.words if known else rule.kind

    @admin.display(description="tenant")
    def owner(self, rule: AlertRule) -> str:
        return rule.tenant.name if rule.tenant else "the whole hub"

    @admin.display(description="from")
    def from_how_much(self, rule: AlertRule) -> str:
        return _amount(rule.kind, rule.threshold)

    @admin.display(description="notifies")
    def notifies(self, rule: AlertRule) -> str:
        return ", ".join([*rule.emails, *([rule.webhook_url] if rule.webhook_url else [])])

    @admin.display(description="state")
    def state(self, rule: AlertRule) -> SafeString:
        if not rule.active:
            return mark("switched off", "waiting")
        ongoing = rule.incidents.ongoing().count()
        return mark(f"{ongoing} ongoing", "attention") if ongoing else mark("no incident", "ok")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("tenant",) if obj else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None and bound_tenant(request) is not None:
            field.required = True  # a rule of the whole hub is for the hub's own staff
        return field

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Switched off instead: its incidents are evidence."""
        return False

    def save_model(self, request: HttpRequest, obj: AlertRule, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if obj.webhook_url and not change:
            obj.made_secret = make_signing_secret(obj)  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: AlertRule, post_url_continue: str | None = None) -> HttpResponse:
        secret = getattr(obj, "made_secret", None)
        return (
            self._shown_once(request, obj, secret) if secret else super().response_add(request, obj, post_url_continue)
        )

    @action(description="Send a test alert", url_path="test", permissions=["change"], icon="send")  # type: ignore[untyped-decorator]
    def test_alert(self, request: HttpRequest, object_id: str) -> HttpResponse:
        rule = self._rule(request, object_id)
        if request.method != "POST":
            effect = f"A message that says it is a test is sent now to {self.notifies(rule)}."
            return self._ask(request, rule, "Send a test alert", effect)
        steps = try_rule(rule)
        lead = (
            "Everybody was notified."
            if all(step.ok for step in steps)
            else "Not everybody was notified; see the answers below."
        )
        self.log_change(request, rule, "Sent a test alert.")
        shown = {"title": "Test alert", "steps": steps, "lead": lead, "back": self._page(rule)}
        return TemplateResponse(
            request, "admin/orders/test_result.html", {**self.admin_site.each_context(request), **shown}
        )

    @action(description="New signing secret", url_path="signing-secret", permissions=["change"], icon="key")  # type: ignore[untyped-decorator]
    def new_signing_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        rule = self._rule(request, object_id)
        if request.method != "POST":
            effect = "A new secret is made and shown once. The present one stops working at once; prepare the receiver."
            return self._ask(request, rule, "Make a new signing secret", effect)
        secret = make_signing_secret(rule)
        self.log_change(request, rule, "Made a new signing secret.")
        return self._shown_once(request, rule, secret)

    def response_change(self, request: HttpRequest, obj: AlertRule) -> HttpResponse:
        if obj.webhook_url and not has_signing_secret(obj):
            messages.warning(request, "The webhook has no signing secret yet: press New signing secret.")
        response: HttpResponse = super().response_change(request, obj)
        return response

    def _rule(self, request: HttpRequest, object_id: str) -> AlertRule:
        rule = self.get_object(request, object_id)
        if not isinstance(rule, AlertRule) or not self.has_change_permission(request, rule):
            raise PermissionDenied
        return rule

    def _ask(self, request: HttpRequest, rule: AlertRule, title: str, effect: str) -> HttpResponse:
        shown = {"title": title, "effect": effect, "button": title, "back": self._page(rule)}
        return TemplateResponse(
            request, "admin/orders/confirm.html", {**self.admin_site.each_context(request), **shown}
        )

    def _shown_once(self, request: HttpRequest, rule: AlertRule, secret: str) -> HttpResponse:
        advice = "Give it to the people who run the webhook, through a secure channel. Every alert is signed with it."
        shown = {"title": "Signing secret of the alert", "secret": secret, "advice": advice, "back": self._page(rule)}
        context = {**self.admin_site.each_context(request), **shown}
        response = TemplateResponse(request, "admin/orders/signing_secret_once.html", context)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _page(self, rule: AlertRule) -> str:
        return reverse("admin:orders_alertrule_change", args=(rule.pk,))


def _amount(kind: str, amount: float) -> str:
    """``1 dead row``, ``4.8 minutes``."""
    known = measures().get(kind)
    unit = known.unit if known else ""
    return f"{amount:.3g} {unit.removesuffix('s') if amount == 1 else unit}"


class IncidentFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "is"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("ongoing", "ongoing"), ("over", "over")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "ongoing":
            return queryset.filter(ended_at=None)
        return queryset.exclude(ended_at=None) if self.value() == "over" else queryset


@admin.register(Incident)
class IncidentAdmin(EvidenceAdmin):
    personal = {"said": TEXT}
    empty_words = "No alert rule has found a problem. The rules are under Alerts."
    list_display = ("said", "owner", "began", "state")
    list_filter = (IncidentFilter, "tenant")
    list_select_related = ("tenant",)
    fields = ("said", "owner", "found_by", "began", "state", "at_worst", "resolve_at", "notified")
    readonly_fields = fields

    @admin.display(description="tenant")
    def owner(self, incident: Incident) -> str:
        return incident.tenant.name if incident.tenant else "the whole hub"

    @admin.display(description="since")
    def began(self, incident: Incident) -> SafeString | str:
        return ago(incident.began_at)

    @admin.display(description="state")
    def state(self, incident: Incident) -> SafeString:
        if incident.ended_at is None:
            return mark("ongoing", "attention")
        return mark(f"over after {in_words(incident.ended_at - incident.began_at)}", "ok")

    @admin.display(description="found by the rule")
    def found_by(self, incident: Incident) -> SafeString | str:
        known = measures().get(incident.rule.kind)
        page = reverse("admin:orders_alertrule_change", args=(incident.rule_id,))
        return link(page, known.words if known else incident.rule.kind)

    @admin.display(description="at its worst")
    def at_worst(self, incident: Incident) -> str:
        return _amount(incident.rule.kind, incident.most)

    @admin.display(description="where to resolve it")
    def resolve_at(self, incident: Incident) -> SafeString | str:
        return link(incident.page, "Open the page")

    @admin.display(description="who was notified")
    def notified(self, incident: Incident) -> SafeString | str:
        lines = [(_message_status(message),) for message in incident.messages.order_by("pk")]
        return format_html_join("", "<p>{}</p>", lines) if lines else "nobody: the rule has no address"


def _message_status(message: AlertMessage) -> str:
    what = f"{message.get_occasion_display()} by {message.get_way_display().lower()}"
    if message.sent_at:
        return f"{what}: sent {exact(message.sent_at)}"
    rest = "tried again" if message.due_at else "given up"
    return (
        f"{what}: not sent after {message.tries} tries ({rest}); {message.error}" if message.tries else f"{what}: due"
    )
