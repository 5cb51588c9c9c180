"""``manage.py events load``: a file through the API, resumable, refusing by line, exits 0, 1, 2."""

import io
import json

import pytest
import requests
import responses
from django.core.management import CommandError, call_command

from orders.management.load import batches, command, hub
from orders.management.load.batches import Batch
from orders.management.load.position import Keeper
from orders.models import OrderEvent, OrderQueue
from tests.api_fixtures import SECRET
from tests.orders.test_api_load import line

URL = "https://hub.example.com"
LOAD = f"{URL}/api/v1/customer-orders:load"


def load(*arguments):
    """(exit code, lines of stdout, stderr or the refusal)."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    try:
        call_command("events", "load", *map(str, arguments), stdout=out, stderr=err)
    except CommandError as error:
        code = error.returncode
        err.write(str(error))
    return code, out.getvalue().splitlines(), err.getvalue()


@pytest.fixture(autouse=True)
def _login(monkeypatch):
    monkeypatch.setenv(command.CLIENT_VARIABLE, "till")
    monkeypatch.setenv(command.SECRET_VARIABLE, SECRET)
    monkeypatch.setattr(command.sys.stdin, "isatty", lambda: False, raising=False)


@pytest.fixture
def file(tmp_path):
    """Seven orders; the hub takes them in three requests."""
    path = tmp_path / "orders.ndjson"
    path.write_bytes(b"\n".join(line(str(number)) for number in range(7)) + b"\n")
    return path


@pytest.fixture
def three_at_once(monkeypatch):
    monkeypatch.setattr(batches, "LINES_MOST", 3)


@pytest.fixture
def slept(monkeypatch):
    naps = []
    monkeypatch.setattr(hub.time, "sleep", naps.append)
    return naps


@pytest.fixture
def wire():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post(f"{URL}/oauth2/token", json={"access_token": "t", "token_type": "Bearer", "expires_in": 3600})
        yield mock


def accepted(request):
    lines = [number for number, text in enumerate(request.body.split(b"\n"), 1) if text.strip()]
    answers = [{"line": number, "status": 202, "eventId": "e", "sequence": 1} for number in lines]
    return 200, {}, "\n".join(map(json.dumps, answers))


def sent(wire):
    return [call.request for call in wire.calls if call.request.url == LOAD]


# --- against a hub


@pytest.fixture
def served(live_server, make_tenant, make_client, settings):
    settings.HUB_PUBLIC_URL = live_server.url
    tenant = make_tenant("acme", "migrating")
    make_client(tenant, "till")
    return tenant


def test_a_file_is_loaded_to_the_hubs_own_address(served, file, three_at_once):
    code, lines, _ = load(file, "--tenant", "acme")
    assert (code, lines[0].partition(",")[0]) == (0, "7 orders accepted")
    queues = OrderQueue.objects.order_by("pk").values_list("customer_order_id", "last_sequence")
    assert list(queues) == [(str(number), 1) for number in range(7)]
    assert not file.with_name("orders.ndjson.position").exists()


def test_a_run_that_was_killed_after_an_answer_goes_on_and_sends_nothing_twice(
    served, file, three_at_once, monkeypatch
):
    moves, move = [], Keeper.move

    def killed(self, *given, **counted):
        moves.append(given)
        if len(moves) == 2:
            raise KeyboardInterrupt
        move(self, *given, **counted)

    monkeypatch.setattr(Keeper, "move", killed)
    code, _, said = load(file, "--tenant", "acme")
    assert (code, OrderEvent.objects.count()) == (130, 6)
    assert "Stopped before line 4" in said
    code, lines, said = load(file, "--tenant", "acme")
    assert "Going on at line 4" in said
    assert (code, lines[0].partition(",")[0]) == (0, "7 orders accepted")
    assert OrderEvent.objects.count() == 7


def test_refused_lines_are_named_with_their_place_in_the_file(served, file, three_at_once, monkeypatch):
    monkeypatch.setattr(batches, "LINE_BYTES", 900)
    text = file.read_bytes().split(b"\n")
    text[1], text[4], text[6] = b"{", line("x", price='"1"'), b'"' + b"x" * 1000 + b'"'
    file.write_bytes(b"\n".join(text))
    code, lines, said = load(file, "--tenant", "acme")
    refused = [one.split("\t")[:2] for one in lines[:3]]
    assert refused == [["line 2", "-"], ["line 5", "/customerOrder/items/0/unitPrice"], ["line 7", "-"]]
    assert (code, lines[3].rpartition(",")[0]) == (1, "4 orders accepted, 3 refused")
    assert "3 lines were refused" in said


def test_another_tenants_client_is_refused_before_anything_is_sent(served, file):
    code, _, said = load(file, "--tenant", "bolt")
    assert (code, OrderEvent.objects.count()) == (2, 0)
    assert "belongs to tenant acme" in said


# --- keys


def test_the_key_is_the_same_for_the_same_place_and_bytes_and_for_nothing_else():
    one = Batch(1, 1, b"a", b"a")
    assert one.key("acme") == Batch(1, 1, b"a", b"a").key("acme")
    others = {Batch(2, 1, b"a", b"a").key("acme"), Batch(1, 1, b"b", b"b").key("acme"), one.key("bolt")}
    assert len({one.key("acme"), *others}) == 4


# --- a hub that is busy or away


@pytest.mark.parametrize(("given", "waited"), [("7", 7.0), ("0", 1.0), ("9999", 60.0), ("soon", 1.0), (None, 1.0)])
def test_it_waits_as_long_as_the_hub_asks(wire, file, slept, given, waited):
    headers = {} if given is None else {"Retry-After": given}
    wire.post(LOAD, status=429, headers=headers)
    wire.add_callback("POST", LOAD, accepted)
    code, _, said = load(file, "--tenant", "acme", "--url", URL)
    assert (code, slept) == (0, [waited])
    assert "it answered 429; trying again" in said


def test_what_is_sent_again_is_the_same_with_the_same_key(wire, file, slept):
    wire.post(LOAD, body=requests.ConnectionError())
    wire.post(LOAD, status=503)
    wire.add_callback("POST", LOAD, accepted)
    assert load(file, "--tenant", "acme", "--url", URL)[0] == 0
    first, *again = sent(wire)
    assert [(one.body, one.headers["Idempotency-Key"]) for one in again] == [
        (first.body, first.headers["Idempotency-Key"])
    ] * 2
    assert slept == [1.0, 2.0]


def test_a_hub_that_stays_away_ends_the_run_which_goes_on_later(wire, file, slept, monkeypatch):
    monkeypatch.setattr(hub, "PATIENCE_SECONDS", 0)
    wire.post(LOAD, status=503)
    code, _, said = load(file, "--tenant", "acme", "--url", URL)
    assert (code, slept) == (1, [])
    assert "Stopped before line 1; the same command goes on from there." in said
    assert file.with_name("orders.ndjson.position").exists()


def test_a_token_that_ran_out_is_fetched_anew_once(wire, file):
    wire.post(LOAD, status=401, json={"detail": "expired"})
    wire.add_callback("POST", LOAD, accepted)
    assert load(file, "--tenant", "acme", "--url", URL)[0] == 0
    assert [call.request.url for call in wire.calls].count(f"{URL}/oauth2/token") == 2


@pytest.mark.parametrize(("status", "detail"), [(401, "unknown"), (403, "scope"), (405, "proxy mode"), (409, "key")])
def test_a_whole_request_that_is_refused_is_wrong_use(wire, file, status, detail):
    wire.post(LOAD, status=status, json={"detail": detail})
    code, _, said = load(file, "--tenant", "acme", "--url", URL)
    assert code == 2
    assert f"the hub answered {status}: {detail}" in said


# --- wrong use


@pytest.mark.parametrize("arguments", [[], ["a", "b", "--tenant", "acme"], ["a.ndjson"]])
def test_a_file_and_a_tenant_are_wanted(arguments):
    code, _, said = load(*arguments)
    assert (code, said) == (2, "Say: events load FILE.ndjson --tenant T")


def test_a_file_that_is_not_there_is_wrong_use(tmp_path):
    code, _, said = load(tmp_path / "none.ndjson", "--tenant", "acme")
    assert code == 2
    assert "No such file" in said


@pytest.mark.parametrize("variable", [command.CLIENT_VARIABLE, command.SECRET_VARIABLE])
def test_without_a_login_nothing_is_called(file, monkeypatch, variable):
    monkeypatch.delenv(variable)
    code, _, said = load(file, "--tenant", "acme", "--url", URL)
    assert code == 2
    assert variable in said


def test_the_secret_may_stand_in_a_file_and_is_never_an_argument(wire, file, tmp_path, monkeypatch):
    monkeypatch.delenv(command.SECRET_VARIABLE)
    (tmp_path / "secret").write_text("s3cret\n")
    wire.add_callback("POST", LOAD, accepted)
    assert load(file, "--tenant", "acme", "--url", URL, "--secret-file", tmp_path / "secret")[0] == 0
    assert wire.calls[0].request.headers["Authorization"] == "Basic dGlsbDpzM2NyZXQ="


def test_a_file_that_changed_in_its_loaded_part_is_not_resumed(wire, file, three_at_once, slept, monkeypatch):
    monkeypatch.setattr(hub, "PATIENCE_SECONDS", 0)
    wire.add_callback("POST", LOAD, accepted)
    keep = file.read_bytes()
    with file.open("rb") as opened:
        position = Keeper.open(file.with_name("orders.ndjson.position"), opened, tenant="acme", url=URL)
    position.move(keep.split(b"\n")[0] + b"\n", lines=1, accepted=1, refused=0)
    file.write_bytes(b"x" + keep)
    code, _, said = load(file, "--tenant", "acme", "--url", URL)
    assert code == 2
    assert "The file changed" in said
    code, _, said = load(file, "--tenant", "bolt", "--url", URL)
    assert code == 2
    assert "is being loaded for acme" in said


def test_a_terminal_sees_a_bar(wire, file, three_at_once, monkeypatch):
    wire.add_callback("POST", LOAD, accepted)
    monkeypatch.setattr(command.OutputWrapper, "isatty", lambda self: True)
    said = load(file, "--tenant", "acme", "--url", URL)[2]
    assert "[#############                 ] 42 %, 3 orders, 0 refused" in said
