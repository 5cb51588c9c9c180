"""The second step: an app's code or a recovery code, each taken once; between the steps nobody is signed in."""

import re
import time

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.contrib.auth.models import User
from django.core.management import call_command

from orders.access import second_step, staff
from orders.access.sealing import open_bytes, reseal_all, second_step_context
from orders.models import SecondStep, StaffChange

pytestmark = pytest.mark.django_db


def key_of(user):
    row = SecondStep.objects.get(user=user)
    return open_bytes(row.key_id, bytes(row.sealed), context=second_step_context(user.pk))


def code_of(user, plus=0):
    return TOTP(key_of(user), 6, SHA1(), 30).generate(int(time.time()) + plus).decode()


@pytest.fixture
def ada():
    return User.objects.create_user("ada", password="right-one", is_staff=True, is_superuser=True)


@pytest.fixture
def codes(ada):
    """Her second step is on; its recovery codes."""
    second_step.propose(ada)
    codes = second_step.confirm(ada, code_of(ada))
    SecondStep.objects.update(last_step=0)
    return codes


def first_step(client, after="/admin/"):
    return client.post(f"/admin/login/?next={after}", {"username": "ada", "password": "right-one"})


def second(client, code):
    return client.post("/admin/login/second-step/", {"code": code})


def codes_shown(response):
    return re.search(r'id="recovery-codes">([^<]*)<', response.content.decode())[1].split()


def is_signed_in(client):
    return client.get("/admin/").status_code == 200


def test_the_password_alone_signs_nobody_in(client, ada, codes):
    answer = first_step(client)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/login/second-step/")
    assert client.get("/admin/login/second-step/").status_code == 200
    assert not is_signed_in(client)
    assert client.get("/admin/second-step/").headers["Location"] == "/admin/login/"


def test_a_code_of_the_app_signs_in_and_goes_where_one_wanted_to(client, ada, codes):
    first_step(client, after="/admin/orders/order/")
    before = client.session.session_key
    answer = second(client, code_of(ada))
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/orders/order/")
    assert is_signed_in(client)
    assert client.session.session_key != before


@pytest.mark.parametrize("plus", [-30, 30])
def test_the_code_before_and_the_one_after_are_taken(client, ada, codes, plus):
    first_step(client)
    assert second(client, code_of(ada, plus)).status_code == 302
    assert is_signed_in(client)


def test_an_older_code_is_not_taken(client, ada, codes):
    first_step(client)
    assert "wrong, expired or was used" in second(client, code_of(ada, -90)).content.decode()


def test_a_code_is_taken_once(client, ada, codes):
    code = code_of(ada)
    assert second_step.check(ada, code) == "code"
    assert second_step.check(ada, code) is None


def test_a_recovery_code_is_taken_once_and_however_it_is_typed(client, ada, codes):
    first_step(client)
    assert second(client, f" {codes[3].upper().replace('-', ' ')}").status_code == 302
    assert "9 are left" in client.get("/admin/").content.decode()
    assert second_step.check(ada, codes[3]) is None
    assert second_step.check(ada, codes[4]) == "recovery"


@pytest.mark.parametrize(
    "code", ["", "000", "abcdef", "\uff11\uff12\uff13\uff14\uff15\uff16", "0" * 40, "aaaaa-aaaaa", "\x00" * 6]
)
def test_what_is_no_code_is_refused(client, ada, codes, code):
    first_step(client)
    assert second(client, code).status_code == 200
    assert not is_signed_in(client)


def test_wrong_codes_count_as_wrong_tries_of_the_login_and_a_right_password_does_not_forget_them(client, ada, codes):
    for _ in range(5):
        assert first_step(client).status_code == 302
        last = second(client, "000000" if code_of(ada) != "000000" else "000001")
    assert "Too many wrong tries" in last.content.decode()
    assert second(client, codes[0]).status_code == 429
    assert first_step(client).status_code == 429
    assert not is_signed_in(client)


def test_without_a_right_password_there_is_no_second_page(client, ada, codes):
    assert client.get("/admin/login/second-step/").headers["Location"] == "/admin/login/"
    assert second(client, code_of(ada)).headers["Location"] == "/admin/login/"


def test_a_right_password_counts_for_five_minutes(client, ada, codes, time_machine):
    time_machine.move_to(time.time())
    first_step(client)
    time_machine.shift(301)
    assert second(client, code_of(ada)).headers["Location"] == "/admin/login/"


@pytest.mark.parametrize("change", ["password", "off"])
def test_who_lost_the_login_meanwhile_is_not_let_in(client, ada, codes, change):
    first_step(client)
    if change == "password":
        ada.set_password("another")
    ada.is_active = change != "off"
    ada.save()
    assert second(client, code_of(ada)).headers["Location"] == "/admin/login/"


def test_it_is_set_up_with_a_picture_the_password_and_a_code(client, ada):
    client.force_login(ada)
    page = client.get("/admin/second-step/").content.decode()
    assert 'src="data:image/svg+xml' in page
    typed = re.search(r'hub-key"[^>]*>([A-Z2-7 ]+)<', page)[1].replace(" ", "")
    assert len(typed) == 32
    assert not second_step.is_on(ada)
    wrong = client.post("/admin/second-step/", {"code": code_of(ada), "password": "wrong"})
    assert "Wrong password." in wrong.content.decode()
    assert typed[:4] in wrong.content.decode()
    shown = client.post("/admin/second-step/", {"code": code_of(ada), "password": "right-one"})
    assert "no-store" in shown.headers["Cache-Control"]
    codes = codes_shown(shown)
    assert len(codes) == 10
    assert second_step.is_on(ada)
    assert second_step.check(ada, codes[0]) == "recovery"
    assert [change.what for change in StaffChange.objects.all()] == ["second step set up"]
    assert not any(code in str(list(SecondStep.objects.values())) for code in codes)


def test_a_key_shown_before_is_never_switched_on_later(client, ada):
    client.force_login(ada)
    client.get("/admin/second-step/")
    seen = key_of(ada)
    client.get("/admin/second-step/")
    assert key_of(ada) != seen


def test_new_codes_make_the_old_ones_useless_and_switching_off_needs_the_password(client, ada, codes):
    client.force_login(ada)
    fresh = client.post("/admin/second-step/", {"password": "right-one", "do": "codes"})
    assert second_step.check(ada, codes[0]) is None
    assert second_step.check(ada, codes_shown(fresh)[0]) == "recovery"
    client.post("/admin/second-step/", {"password": "wrong", "do": "off"})
    assert second_step.is_on(ada)
    client.post("/admin/second-step/", {"password": "right-one", "do": "off"})
    assert not second_step.is_on(ada)


def test_a_role_that_must_have_one_gets_no_session_before_it(client, ada, settings):
    settings.HUB_SECOND_STEP_ROLES = ["superuser"]
    assert first_step(client).headers["Location"] == "/admin/second-step/"
    assert client.get("/admin/second-step/").status_code == 200
    assert not is_signed_in(client)
    client.get("/admin/second-step/")
    assert client.post("/admin/second-step/", {"code": code_of(ada)}).status_code == 200
    assert is_signed_in(client)
    client.post("/admin/second-step/", {"password": "right-one", "do": "off"})
    assert second_step.is_on(ada)


def test_resetting_it_is_on_record_and_signs_out(client, ada, codes, capsys):
    client.force_login(ada)
    call_command("staff", "ada", "--reset-totp")
    assert "password alone" in capsys.readouterr().out
    assert not is_signed_in(client)
    assert not second_step.is_on(ada)
    assert [change.what for change in StaffChange.objects.all()] == ["second step reset"]
    call_command("staff", "ada", "--reset-totp")
    assert "nothing was changed" in capsys.readouterr().out


def test_the_key_is_sealed_moves_to_the_first_key_and_says_when_it_is_lost(client, ada, codes, settings):
    key, old = key_of(ada), settings.HUB_ENCRYPTION_KEYS
    settings.HUB_ENCRYPTION_KEYS = (("new", b"n" * 32), *old)
    assert reseal_all() == 1
    assert (key_of(ada), SecondStep.objects.get().key_id) == (key, "new")
    settings.HUB_ENCRYPTION_KEYS = old
    first_step(client)
    assert "cannot be checked. Ask" in second(client, "123456").content.decode()
    assert staff.reset_second_step(ada, who="maria")
