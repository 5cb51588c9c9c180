"""Codes, assertions and guesses sent again or many at once, by processes and threads that share only the database."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta

import jwt
import pytest
from django.db import connection
from django.utils import timezone

from orders.access import second_step, sign_ins
from orders.access.sealing import reseal_all
from orders.access.sign_ins import PER_LOGIN, TooManyTries
from orders.api import assertions, token
from orders.api.token import ClientValidator
from orders.models import ApiClient, SecondStep, UsedAssertion
from orders.retention import expired_rows
from tests.api_fixtures import SECRET
from tests.hostile.tree import ROOT
from tests.orders.test_api_assertions import ask, assertion, cert_pem, granted, private_key, refused, wrong
from tests.orders.test_login_second_step import ada, code_of, codes  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 8
USED = "jti was used before: give each assertion a new one"
TRY_IT = """
import sys, django
django.setup()
from django.contrib.auth.models import User
from orders.access import second_step
user = User.objects.get(username="ada")
print("ready", flush=True)
for code in sys.stdin:
    print(second_step.check(user, code.strip()), flush=True)
"""
SIGN_IN = """
import sys, django
django.setup()
from orders.api import assertions
from orders.models import ApiClient
client = ApiClient.objects.get(client_id="beans")
print("ready", flush=True)
for signed in sys.stdin:
    try:
        assertions.verify(signed.strip(), client)
        print("taken", flush=True)
    except assertions.AssertionRefused as refused:
        print(refused, flush=True)
"""


class Processes:
    """Two Python processes of the hub, each asked by a line and answering with one."""

    def __init__(self, program, environ):
        self.environ = environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
        self.program, self.running = program, []

    def start(self, stack):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        for _ in range(2):
            command = [sys.executable, "-c", self.program]
            process = stack.enter_context(subprocess.Popen(command, cwd=ROOT, env=self.environ, **pipes))
            stack.callback(process.kill)
            self.running.append(process)
        assert [process.stdout.readline() for process in self.running] == ["ready\n"] * 2
        return self

    def ask(self, line):
        """The same line to both at the same moment."""
        for process in self.running:
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
        return sorted(process.stdout.readline().strip() for process in self.running)


@pytest.fixture
def processes(hub_environ):
    with ExitStack() as stack:
        yield lambda program, **environ: Processes(program, hub_environ | environ).start(stack)


def at_once(function, arguments):
    """What the function returns for each, all begun at the same moment, each with a connection of its own."""
    start = threading.Barrier(len(arguments))

    def one(argument):
        try:
            start.wait(30)
            return function(argument)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(one, arguments))


# --- the second step -------------------------------------------------------------------------------------------------


def test_a_code_sent_to_two_processes_at_once_is_taken_by_one(ada, codes, processes):
    both = processes(TRY_IT)
    assert both.ask(code_of(ada)) == ["None", "code"]
    assert both.ask(code_of(ada)) == ["None", "None"]
    for code in codes:
        assert both.ask(code) == ["None", "recovery"]
    assert SecondStep.objects.get().recovery_codes == []


def test_a_code_and_many_recovery_codes_at_once_are_each_taken_once(ada, codes):
    sent = [code_of(ada), *codes[:3]] * 4
    taken = at_once(lambda code: second_step.check(ada, code), sent)
    assert sorted(filter(None, taken)) == ["code", "recovery", "recovery", "recovery"]
    assert second_step.codes_left(ada) == len(codes) - 3


def test_a_code_of_the_window_that_is_older_than_one_taken_is_not_taken(ada, codes):
    assert second_step.check(ada, code_of(ada, 30)) == "code"
    assert [second_step.check(ada, code_of(ada, plus)) for plus in (-30, 0, 30)] == [None] * 3


def test_a_clock_that_is_set_back_opens_no_code_again(ada, codes, monkeypatch):
    class SetBack(second_step.DatabaseClock):
        def now(self, plus=0.0):
            return super().now(plus - 3_600)

    later, earlier = code_of(ada), code_of(ada, -3_600)
    assert second_step.check(ada, later) == "code"
    monkeypatch.setattr(second_step, "DatabaseClock", SetBack)
    assert [second_step.check(ada, code) for code in (later, earlier)] == [None, None]
    assert second_step.check(ada, codes[0]) == "recovery"


def test_a_code_is_not_taken_again_after_its_key_was_sealed_anew(ada, codes, settings):
    code = code_of(ada)
    assert second_step.check(ada, code) == "code"
    settings.HUB_ENCRYPTION_KEYS = (("new", b"n" * 32), *settings.HUB_ENCRYPTION_KEYS)
    assert reseal_all() == 1
    assert second_step.check(ada, code) is None


def test_two_pages_that_propose_a_key_at_once_leave_one_and_fail_none(ada):
    proposed = at_once(lambda _: second_step.propose(ada), range(AT_ONCE))
    assert second_step.proposed(ada) in proposed
    assert SecondStep.objects.count() == 1


def test_a_key_proposed_while_another_page_confirms_leaves_what_is_on(ada, codes):
    before = SecondStep.objects.get()
    second_step.propose(ada)
    assert SecondStep.objects.get() == before
    assert second_step.check(ada, code_of(ada)) == "code"


def test_a_recovery_code_of_a_second_step_that_is_reset_meanwhile_is_refused(ada, codes):
    row = SecondStep.objects.get()
    second_step.switch_off(ada)
    assert second_step._take_recovery_code(row, codes[0]) is False


@pytest.mark.needs_postgres
def test_a_login_guessed_at_once_from_many_addresses_is_guessed_no_oftener_than_in_a_row(ada):
    def guess(number):
        try:
            sign_ins.start("ada", f"198.51.100.{number}")
            return "looked at"
        except TooManyTries:
            return "refused"

    outcomes = [one for turn in range(5) for one in at_once(guess, range(turn * 10, turn * 10 + 10))]
    assert outcomes.count("looked at") == PER_LOGIN.most


# --- assertions ------------------------------------------------------------------------------------------------------


@pytest.fixture
def beans(acme, make_client, settings):
    settings.HUB_PUBLIC_URL = "https://hub.example.com"
    return make_client(acme, "beans", kind=ApiClient.Kind.SUPPLIER, public_keys=[cert_pem("new")])


@pytest.mark.parametrize("redis", ["as it is", "away"])
def test_an_assertion_sent_to_two_processes_at_once_is_taken_by_one(beans, processes, redis):
    environ = {"HUB_PUBLIC_URL": "https://hub.example.com"}
    if redis == "away" and connection.vendor == "postgresql":
        environ["REDIS_URL"] = "redis://127.0.0.1:1/0"
    both = processes(SIGN_IN, **environ)
    for _ in range(5):
        signed = assertion()
        assert both.ask(signed) == [USED, "taken"]
        assert both.ask(signed) == [USED] * 2
    assert UsedAssertion.objects.count() == 5


def test_an_assertion_sent_many_times_at_once_gets_one_token(beans):
    signed = assertion()
    answers = at_once(lambda _: ask(signed).status_code, range(AT_ONCE))
    assert sorted(answers) == [200] + [401] * (AT_ONCE - 1)


def test_a_jti_is_remembered_though_the_clock_of_the_host_that_removes_is_an_hour_fast(beans, time_machine):
    signed = assertion()
    granted(ask(signed))
    ends = timezone.now() + timedelta(seconds=60) + assertions.SKEW
    time_machine.move_to(ends + assertions.REMEMBERED_LONGER - timedelta(seconds=2))
    expired_rows.remove_expired()
    assert UsedAssertion.objects.count() == 1


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_a_signed_time_that_no_clock_shows_is_invalid_client(beans, name):
    refused(ask(with_json(f'"{name}": 1e400')))
    refused(ask(with_json(f'"{name}": -1e400')))
    refused(ask(with_json(f'"{name}": NaN')))


@pytest.mark.parametrize("part", ["header", "claims"])
def test_an_assertion_nested_too_deeply_is_invalid_client(beans, part):
    parts = {"header": b'{"alg":"RS256","typ":"JWT"}', "claims": b'{"iss":"beans","sub":"beans"}', part: b"[" * 40_000}
    signed = ".".join(base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in (*parts.values(), b"x"))
    refused(ask(signed))


def with_json(member):
    """A signed assertion with this member, as its text stands, in place of its own of that name."""
    name = member.split('"')[1]
    payload = jwt.decode(assertion(), options={"verify_signature": False})
    payload.pop(name, None)
    text = "{" + member + "," + json.dumps(payload)[1:]
    return jwt.PyJWS().encode(text.encode(), private_key("new"), algorithm="RS256")


# --- secrets guessed -------------------------------------------------------------------------------------------------


def test_of_secrets_guessed_at_once_no_more_are_answered_than_in_a_row(beans, monkeypatch):
    """All are looked at before the first failure is counted: the worst there can be."""
    monkeypatch.setattr(token.FAILURES.__class__, "_key", lambda self, caller: f"t:{caller}".replace("\n", "-"))
    guesses, looked = 4 * AT_ONCE, threading.Barrier(4 * AT_ONCE)
    check = ClientValidator._check_secret

    def together(self, given, stored):
        found = check(self, given, stored)
        looked.wait(60)
        return found

    monkeypatch.setattr(ClientValidator, "_check_secret", together)
    answers = at_once(lambda _: wrong().status_code, range(guesses))
    assert (answers.count(401), answers.count(429)) == (token.FAILURES.most, guesses - token.FAILURES.most)


def test_a_right_secret_among_too_many_wrong_ones_is_not_revealed(beans, monkeypatch):
    monkeypatch.setattr(token.FAILURES.__class__, "_key", lambda self, caller: f"t:{caller}".replace("\n", "-"))
    check = ClientValidator._check_secret

    def failures_meanwhile(self, given, stored):
        found = check(self, given, stored)
        for _ in range(token.FAILURES.most):
            token.FAILURES.count("beans\n192.0.2.1")
        return found

    monkeypatch.setattr(ClientValidator, "_check_secret", failures_meanwhile)
    answer = wrong(secret=SECRET)
    assert (answer.status_code, b"access_token" in answer.content) == (429, False)
