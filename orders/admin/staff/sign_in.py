"""Signing in to the admin: name and password, then, where the login has one, the second step.

    SignIn         in place of Django's page at the same address: counts tries (orders.access.sign_ins)
    SecondStep     asks for the app's code or a recovery code
    SecondStepSetUp   switches the second step on and off; comes up by itself for roles that must have one

Between the two steps there is no login: the session only holds whose password was right, for a few minutes.
"""

from __future__ import annotations

import time
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import FormView
from unfold.forms import AuthenticationForm
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from orders.access import second_step, sign_ins, staff
from orders.access.second_step import SecondStepLost
from orders.access.sign_ins import TooManyTries

PENDING = "right_password"
"""In the session between the two steps."""
PENDING_SECONDS = 300
"""Time to find one's phone."""
WRONG = "Wrong name or password. Check capital letters."
WRONG_CODE = (
    "The code is wrong, expired or was used already. Wait for the app's next one; if they are always wrong, the "
    "phone's clock is."
)
LOST = "The second step of this login cannot be checked. Ask a colleague who makes logins to reset it."


def left_words(left: int) -> str:
    if not left:
        return "Too many wrong tries: wait 15 min, or ask a colleague who makes logins to allow new tries."
    return f"{left} more wrong {'try' if left == 1 else 'tries'}, and you have to wait 15 min."


class SignInForm(AuthenticationForm):  # type: ignore[misc]  # unfold has no types
    """Counts the try first, so that many at once get no more of them."""

    wait: int | None = None
    """Seconds, where there were too many tries."""

    def clean(self) -> dict[str, Any]:
        name, address = self.cleaned_data.get("username", ""), self.request.META.get("REMOTE_ADDR", "")
        if not (name and self.cleaned_data.get("password")):
            return dict(self.cleaned_data)
        try:
            left = sign_ins.start(name, address)
        except TooManyTries as refused:
            self.wait = int(refused.wait.total_seconds()) + 1
            raise ValidationError(str(refused)) from None
        try:
            super().clean()
        except ValidationError:
            raise ValidationError(f"{WRONG} {left_words(left)}") from None
        return dict(self.cleaned_data)


class _Page:
    """The theme's frame around a page for people who are not signed in yet."""

    request: HttpRequest
    title = "Sign in"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = {**admin.site.each_context(self.request), "title": self.title, **kwargs}
        inherited: dict[str, Any] = super().get_context_data(**context)  # type: ignore[misc]
        return inherited

    def form_invalid(self, form: Any) -> HttpResponse:
        """429 with Retry-After where the answer is to wait."""
        response: HttpResponse = super().form_invalid(form)  # type: ignore[misc]
        if form.wait is not None:
            response.status_code = 429
            response.headers["Retry-After"] = str(form.wait)
        return response


class SignIn(_Page, LoginView):
    form_class = SignInForm
    template_name = "admin/login.html"
    next_page = "admin:index"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if admin.site.has_permission(request):
            return HttpResponseRedirect(self.get_success_url())
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        named = {"app_path": self.request.get_full_path(), "username": self.request.user.get_username()}
        return super().get_context_data(**named, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        user: User = form.get_user()
        if second_step.is_on(user):
            return _go_on(self.request, user, "second_step", self.get_success_url())
        if must_have_second_step(user):
            return _go_on(self.request, user, "second_step_set_up", self.get_success_url())
        return sign_in(self.request, user, self.get_success_url())


def must_have_second_step(user: User) -> bool:
    """HUB_SECOND_STEP_ROLES names the login's role."""
    wanted = set(settings.HUB_SECOND_STEP_ROLES)
    if not wanted:
        return False
    roles = {staff.SUPERUSER} if user.is_superuser else set(user.groups.values_list("name", flat=True))
    return bool(wanted & roles)


def _go_on(request: HttpRequest, user: User, page: str, after: str) -> HttpResponse:
    """The password was right; the try does not count, and the session that saw it gets a new key."""
    sign_ins.give_back(user.get_username(), request.META.get("REMOTE_ADDR", ""))
    request.session.flush()
    request.session[PENDING] = [user.pk, user.get_session_auth_hash(), int(time.time()), after]
    return HttpResponseRedirect(reverse(page))


def pending(request: HttpRequest) -> tuple[User, str] | None:
    """Whose password was right a moment ago, and where they wanted to go."""
    kept = request.session.get(PENDING)
    if not kept or time.time() - kept[2] > PENDING_SECONDS:
        return None
    user = User.objects.filter(pk=kept[0], is_active=True, is_staff=True).first()
    if user is None or not constant_time_compare(user.get_session_auth_hash(), kept[1]):
        return None
    return user, kept[3]


def sign_in(request: HttpRequest, user: User, after: str) -> HttpResponse:
    """The session gets a new key and belongs to the login from here on."""
    request.session.pop(PENDING, None)
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    sign_ins.succeeded(user.get_username(), request.META.get("REMOTE_ADDR", ""))
    return HttpResponseRedirect(after)


class CodeForm(forms.Form):
    """A code of the app or one of recovery, counted as a try of the login."""

    wait: int | None = None
    code = forms.CharField(
        max_length=40,
        label="Code",
        help_text="The six digits that your authenticator app shows, or one of your recovery codes.",
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "autofocus": "", "spellcheck": "false", "autocapitalize": "none"}
        ),
    )

    def __init__(self, *args: Any, user: User, address: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.address = user, address

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if values.get("code"):
            self.counted(self._wrong)
        return values

    def counted(self, wrong: Any) -> None:
        """Count a try; ``wrong`` says why it is, or nothing."""
        try:
            left = sign_ins.start(self.user.get_username(), self.address)
        except TooManyTries as refused:
            self.wait = int(refused.wait.total_seconds()) + 1
            raise ValidationError(str(refused)) from None
        fault = wrong()
        if fault:
            raise ValidationError(f"{fault} {left_words(left)}")
        sign_ins.give_back(self.user.get_username(), self.address)

    def _wrong(self) -> str:
        try:
            self.accepted_by = second_step.check(self.user, self.cleaned_data["code"])
        except SecondStepLost:
            return LOST
        return "" if self.accepted_by else WRONG_CODE


@method_decorator(never_cache, name="dispatch")
class SecondStep(_Page, FormView):  # type: ignore[type-arg]  # not subscriptable when run
    form_class = CodeForm
    template_name = "admin/second_step.html"
    title = "Second step"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        known = pending(request)
        if known is None:
            return HttpResponseRedirect(reverse("admin:login"))
        self.user, self.after = known
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        address = self.request.META.get("REMOTE_ADDR", "")
        return {**super().get_form_kwargs(), "user": self.user, "address": address}

    def form_valid(self, form: Any) -> HttpResponse:
        if form.accepted_by == "recovery":
            left = second_step.codes_left(self.user)
            words = f"You used a recovery code; {left} are left. Make new ones before they run out."
            messages.warning(self.request, words)
        return sign_in(self.request, self.user, self.after)


class SetUpForm(CodeForm):
    """Confirms a proposed key by a code of it; who is signed in already gives the password too."""

    code = forms.CharField(
        max_length=10,
        label="The six digits that the app shows now",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )
    password = forms.CharField(
        label="Your password",
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: Any, wants_password: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not wants_password:
            del self.fields["password"]

    def clean(self) -> dict[str, Any]:
        """Without both there is nothing to try."""
        return super().clean() if not self.errors else self.cleaned_data

    def _wrong(self) -> str:
        if "password" in self.fields and not self.user.check_password(self.cleaned_data["password"]):
            return "Wrong password."
        self.codes = second_step.confirm(self.user, self.cleaned_data["code"])
        return "" if self.codes else WRONG_CODE


class PasswordForm(CodeForm):
    """Before the recovery codes are renewed or the second step is switched off."""

    code = None  # type: ignore[assignment]
    password = SetUpForm.base_fields["password"]

    def clean(self) -> dict[str, Any]:
        if not self.errors:
            self.counted(lambda: "" if self.user.check_password(self.cleaned_data["password"]) else "Wrong password.")
        return self.cleaned_data


@method_decorator(never_cache, name="dispatch")
class SecondStepSetUp(_Page, FormView):  # type: ignore[type-arg]  # not subscriptable when run
    """For a signed-in login, or for one whose role must have a second step and whose password was right."""

    title = "Second step"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.signed_in = admin.site.has_permission(request)
        known = None if self.signed_in else pending(request)
        if self.signed_in:
            self.user = User.objects.get(username=request.user.get_username())
        elif known and not second_step.is_on(known[0]):
            self.user, self.after = known
        else:
            return HttpResponseRedirect(reverse("admin:login"))
        self.is_on = second_step.is_on(self.user)
        return super().dispatch(request, *args, **kwargs)

    def get_template_names(self) -> list[str]:
        return ["admin/second_step_on.html" if self.is_on else "admin/second_step_set_up.html"]

    def get_form_class(self) -> Any:
        return PasswordForm if self.is_on else SetUpForm

    def get_form_kwargs(self) -> dict[str, Any]:
        more = {} if self.is_on else {"wants_password": self.signed_in}
        address = self.request.META.get("REMOTE_ADDR", "")
        return {**super().get_form_kwargs(), "user": self.user, "address": address, **more}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if self.is_on:
            more: dict[str, Any] = {
                "codes_left": second_step.codes_left(self.user),
                "required": must_have_second_step(self.user),
            }
        else:
            otpauth = (second_step.proposed(self.user) if self.request.method == "POST" else None) or (
                second_step.propose(self.user)
            )
            more = {"picture": second_step.picture(otpauth), "typed_key": second_step.typed_key(otpauth)}
        return super().get_context_data(**more, signed_in=self.signed_in, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        if not self.is_on:
            staff.record(self.user.username, "second step set up", who=self.user.username)
            return self._signed_in_with(form.codes)
        if self.request.POST.get("do") == "codes":
            staff.record(self.user.username, "recovery codes renewed", who=self.user.username)
            return self._show(second_step.renew_codes(self.user))
        if must_have_second_step(self.user):
            messages.error(self.request, "Your role must have a second step, so it stays on.")
        else:
            second_step.switch_off(self.user)
            staff.record(self.user.username, "second step switched off", who=self.user.username)
            messages.success(self.request, "The second step is off: your password alone signs you in.")
        return HttpResponseRedirect(reverse("admin:index"))

    def _signed_in_with(self, codes: list[str]) -> HttpResponse:
        if not self.signed_in:
            sign_in(self.request, self.user, self.after)
        return self._show(codes)

    def _show(self, codes: list[str]) -> HttpResponse:
        """Rendered into this one answer, so that the codes lie nowhere."""
        context = {**admin.site.each_context(self.request), "title": "Recovery codes", "codes": codes}
        return self.response_class(self.request, ["admin/recovery_codes.html"], context)
