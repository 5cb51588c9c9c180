"""Signing in: wrong tries are counted before they are looked at, per login and address; nobody shuts out another."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from orders.access import sign_ins, staff
from orders.access.sign_ins import FAILURES, PER_LOGIN, TooManyTries
from orders.models import SignInTries, StaffChange

pytestmark = [pytest.mark.django_db, pytest.mark.both]

HERE, THERE = "192.0.2.7", "192.0.2.8"


@pytest.fixture
def ada():
    return User.objects.create_user("ada", password="right-one", is_staff=True)


def attempt(client, password, *, name="ada", address=HERE, **more):
    return client.post("/admin/login/", {"username": name, "password": password}, REMOTE_ADDR=address, **more)


def wrong(client, times=FAILURES, **more):
    return [attempt(client, "wrong-one", **more) for _ in range(times)]


def test_the_right_password_signs_in(client, ada):
    answer = attempt(client, "right-one", QUERY_STRING="next=/admin/orders/order/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/orders/order/")
    assert client.session["_auth_user_id"] == str(ada.pk)


def test_nobody_is_sent_to_another_site(client, ada):
    answer = attempt(client, "right-one", QUERY_STRING="next=https://elsewhere.example/")
    assert answer.headers["Location"] == "/admin/"


def test_a_wrong_try_says_how_many_are_left(client, ada):
    first, *_, last = wrong(client)
    assert first.status_code == 200
    assert "Wrong name or password" in first.content.decode()
    assert "4 more wrong tries, and you have to wait 15 min." in first.content.decode()
    assert "Too many wrong tries" in last.content.decode()


def test_after_five_wrong_tries_even_the_right_password_waits(client, ada):
    wrong(client)
    answer = attempt(client, "right-one")
    assert answer.status_code == 429
    assert 890 <= int(answer.headers["Retry-After"]) <= 901
    assert re.search("Try again in 1[45] min", answer.content.decode())
    assert "ask a colleague" in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_a_wait_holds_at_one_address_only(client, ada):
    wrong(client)
    assert attempt(client, "right-one", address=THERE).status_code == 302


def test_one_address_alone_keeps_a_login_out_nowhere_else(client, ada):
    for _ in range(PER_LOGIN.most * 2):
        attempt(client, "wrong-one")
    assert attempt(client, "right-one").status_code == 429
    assert attempt(client, "right-one", address=THERE).status_code == 302


def test_a_try_that_a_login_has_no_room_for_is_none_at_its_address(client, ada):
    for number in range(PER_LOGIN.most):
        sign_ins.start("ada", f"198.51.100.{number}")
    for _ in range(FAILURES + 1):
        assert attempt(client, "right-one").status_code == 429
    PER_LOGIN.forget(sign_ins._digest("ada"))
    assert attempt(client, "right-one").status_code == 302


def test_a_wait_of_one_login_is_not_anothers(client, ada):
    User.objects.create_user("bob", password="right-two", is_staff=True)
    wrong(client)
    assert attempt(client, "right-two", name="bob").status_code == 302


def test_the_wait_ends_and_tries_begin_anew(client, ada):
    wrong(client)
    SignInTries.objects.update(locked_until=timezone.now() - timedelta(seconds=1))
    assert "4 more wrong tries" in attempt(client, "wrong-one").content.decode()
    assert attempt(client, "right-one").status_code == 302


def test_a_sign_in_forgets_the_wrong_tries_before_it(client, ada):
    wrong(client, 4)
    assert attempt(client, "right-one").status_code == 302
    client.post("/admin/logout/")
    assert "4 more wrong tries" in attempt(client, "wrong-one").content.decode()


def test_a_name_that_nobody_has_waits_as_well(client, ada):
    wrong(client, name="nobody")
    assert attempt(client, "x", name="nobody").status_code == 429


def test_letters_in_another_case_are_the_same_login(client, ada):
    wrong(client, 3)
    wrong(client, 2, name=" ADA ")
    assert attempt(client, "right-one").status_code == 429


def test_a_whole_ipv6_network_is_one_address(client, ada):
    for number in range(FAILURES):
        attempt(client, "wrong-one", address=f"2001:db8:1:2::{number + 1}")
    assert attempt(client, "right-one", address="2001:db8:1:2:ffff::1").status_code == 429
    assert attempt(client, "right-one", address="2001:db8:1:3::1").status_code == 302


def test_a_login_guessed_from_everywhere_still_comes_in_from_where_it_came_before(client, ada):
    assert attempt(client, "right-one").status_code == 302
    client.post("/admin/logout/")
    for number in range(1, PER_LOGIN.most):
        sign_ins.start("ada", f"198.51.100.{number}")
    with pytest.raises(TooManyTries):
        sign_ins.start("ada", THERE)
    assert attempt(client, "right-one").status_code == 302
    staff.unlock(ada, who="maria")
    assert sign_ins.start("ada", THERE) == FAILURES - 1


def test_what_was_typed_as_a_name_is_not_kept(client, ada):
    attempt(client, "wrong-one", name="my-secret-password")
    assert "my-secret-password" not in str(list(SignInTries.objects.values()))


def test_old_rows_are_removed(client, ada):
    attempt(client, "wrong-one")
    assert not sign_ins.expired().exists()
    SignInTries.objects.update(used_at=timezone.now() - timedelta(days=31))
    assert sign_ins.expired().count() == 1


def test_somebody_switched_off_or_no_staff_reads_the_same_words(client, ada):
    for change in ({"is_active": False}, {"is_active": True, "is_staff": False}):
        User.objects.update(**change)
        assert "Wrong name or password" in attempt(client, "right-one", address=THERE).content.decode()


def test_unlocking_lets_in_at_once_and_is_on_record(client, ada, capsys):
    from django.core.management import call_command

    wrong(client)
    call_command("staff", "ada", "--unlock")
    assert "may try again at once; it waited at 1 address" in capsys.readouterr().out
    assert attempt(client, "right-one").status_code == 302
    change = StaffChange.objects.get()
    assert (change.login, change.what) == ("ada", "unlocked")
    assert change.who.endswith("command line")


@pytest.mark.django_db(transaction=True)
@pytest.mark.needs_postgres
def test_tries_at_once_are_no_more_than_tries_in_a_row():
    def one(_):
        try:
            sign_ins.start("ada", HERE)
            return "looked at"
        except TooManyTries:
            return "refused"
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(one, range(24)))
    assert outcomes.count("looked at") == FAILURES
