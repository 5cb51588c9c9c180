"""Sessions of staff: new keys at sign-in, their end when the login changes, cookies and what every answer says."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from orders.access.staff import OPERATOR, SUPPORT, end_sessions, give_role
from orders.models import StaffChange
from orders.retention import expired_rows
from orders.values.labels import link

pytestmark = pytest.mark.django_db


@pytest.fixture
def olga():
    return give_role("olga", role=OPERATOR, password="a-long-password", who="maria").user


@pytest.fixture
def hers(olga):
    client = Client()
    client.post("/admin/login/", {"username": "olga", "password": "a-long-password"})
    assert is_signed_in(client)
    return client


def is_signed_in(client):
    return client.get("/admin/password_change/").status_code == 200


def test_signing_in_gives_the_session_a_new_key(client, olga):
    client.get("/admin/login/")
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    planted = session.session_key
    client.cookies["session"] = planted
    client.post("/admin/login/", {"username": "olga", "password": "a-long-password"})
    assert client.session.session_key != planted
    assert not is_signed_in(Client(headers={"cookie": f"session={planted}"}))


def test_no_row_of_the_database_is_the_cookie_of_a_session(hers):
    row = Session.objects.get()
    assert hers.cookies["session"].value not in str(vars(row))
    assert not is_signed_in(Client(headers={"cookie": f"session={row.session_key}"}))


def test_signing_out_takes_the_row_away(hers):
    kept = hers.cookies["session"].value
    hers.post("/admin/logout/")
    assert not Session.objects.exists()
    assert not is_signed_in(Client(headers={"cookie": f"session={kept}"}))


def test_the_session_ends_with_a_new_password_made_by_somebody_else(hers, olga):
    give_role("olga", role=OPERATOR, password="another-password", who="maria")
    assert not is_signed_in(hers)
    assert StaffChange.objects.filter(login="olga", what="password set", who="maria").count() == 1


def test_the_session_ends_when_the_role_changes_and_not_when_it_stays(hers, olga):
    give_role("olga", role=OPERATOR, who="maria")
    assert is_signed_in(hers)
    give_role("olga", role=SUPPORT, who="maria")
    assert not is_signed_in(hers)
    assert StaffChange.objects.get(what="role changed").detail == "operator → support"


def test_the_session_ends_when_the_login_is_switched_off(hers, olga):
    User.objects.filter(pk=olga.pk).update(is_active=False)
    assert not is_signed_in(hers)


def test_a_superusers_change_in_the_form_ends_the_session_and_is_on_record(hers, olga, client):
    client.force_login(User.objects.create_superuser("root"))
    page = reverse("admin:auth_user_change", args=(olga.pk,))
    form = client.get(page).context["adminform"].form
    values = {"username": "olga", "is_active": "on", "is_staff": "on", "groups": []}
    counts = {"staff_tenant-TOTAL_FORMS": 0, "staff_tenant-INITIAL_FORMS": 0}
    answer = client.post(page, {**values, **counts, "date_joined_0": form.instance.date_joined.date()})
    assert answer.status_code == 302, answer.context["errors"]
    assert not is_signed_in(hers)
    change = StaffChange.objects.get(what="role changed")
    assert (change.who, change.detail) == ("root", "operator → no role")


def test_only_the_sessions_of_that_login_end(hers, olga, client):
    client.force_login(User.objects.create_superuser("root"))
    assert end_sessions(olga) == 1
    assert not is_signed_in(hers)
    assert is_signed_in(client)


def test_signing_out_takes_a_post(hers):
    assert hers.get("/admin/logout/").status_code == 405
    hers.post("/admin/logout/")
    assert not is_signed_in(hers)


def test_cookies_are_for_the_hub_only(client, olga):
    client.get("/admin/login/")
    client.post("/admin/login/", {"username": "olga", "password": "a-long-password"})
    for name in ("session", "csrf"):
        assert client.cookies[name]["httponly"] is True
        assert client.cookies[name]["samesite"] == "Lax"
    assert client.cookies["session"]["max-age"] == 12 * 3600


def test_behind_tls_cookies_are_bound_to_the_host():
    names = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")
    program = f"from config import settings; print(*[getattr(settings, name) for name in {names}])"
    environ = {**os.environ, "HUB_PUBLIC_URL": "https://hub.example.com"}
    said = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["__Host-session", "__Host-csrf", "True", "True"]


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/admin/orders/order/", "/admin/nothing-like-this/"])
def test_every_answer_of_the_admin_is_kept_by_nobody_framed_by_nobody_and_runs_only_its_own_scripts(hers, path):
    headers = hers.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == "'self' 'unsafe-eval'"
    assert policy["form-action"] == policy["connect-src"] == "'self'"
    assert "no-store" in headers["Cache-Control"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "camera=()" in headers["Permissions-Policy"]


@pytest.mark.parametrize("path", ["/docs", "/api/v1/nothing", "/"])
def test_nothing_else_may_evaluate_scripts(client, path):
    policy = client.get(path).headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe-eval" not in policy


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", " javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "x"]
)
def test_only_addresses_of_the_web_become_links(url):
    assert link(url, "<b>words</b>") == "<b>words</b>"


@pytest.mark.parametrize("url", ["https://partner.example/a?b=1&c=2", "/admin/"])
def test_links_are_escaped(url):
    assert "&lt;b&gt;" in link(url, "<b>")
    assert "<b>" not in link(url, "<b>")


def test_a_session_that_has_ended_leaves_no_row(hers):
    row = Session.objects.get()
    expired_rows.remove_expired()
    assert Session.objects.get() == row
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    expired_rows.remove_expired()
    assert not Session.objects.exists()
