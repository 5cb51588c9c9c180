"""The base of the simulators: a real server, an honest log, faults on demand."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
import requests

from orders.simulators.base import CannotListen, Simulator, wait_until
from orders.simulators.faults import Fault, UnknownFault
from orders.simulators.wire import json_answer, read_json, write_json


class Echo(Simulator):
    name = "echo"

    def __init__(self, **options):
        super().__init__(**options)
        self.done = []

    def answer(self, call, fault):
        self.done.append(call.target)
        return json_answer({"segments": call.segments, "body": call.body.decode()})


@pytest.fixture
def echo():
    with Echo() as simulator:
        yield simulator


@pytest.fixture
def session():
    with requests.Session() as session:
        session.trust_env = False
        yield session


def test_what_came_in_is_listed_with_its_raw_path_and_emptied_on_delete(echo, session):
    session.post(f"{echo.url}/a%2Fb/c%3Ad?x=1", data="héllo".encode(), headers={"Thing": "1"})
    [entry] = session.get(f"{echo.url}/_received").json()["received"]
    assert set(entry) == {"at", "method", "path", "headers", "body"}
    assert (entry["method"], entry["path"], entry["body"]) == ("POST", "/a%2Fb/c%3Ad?x=1", "héllo")
    assert entry["headers"]["Thing"] == "1"
    assert entry["at"].endswith("Z")
    assert session.delete(f"{echo.url}/_received").json() == {"received": []}
    assert echo.received == []


def test_control_paths_and_the_page_are_not_in_the_log(echo, session):
    for path in ("/_received", "/_fault", "/_nothing", "/", "/favicon.ico"):
        session.get(echo.url + path)
    assert echo.received == []
    session.post(echo.url + "/")
    assert len(echo.received) == 1


def test_a_connection_is_kept_alive_and_a_call_takes_no_40_ms(echo, session):
    session.post(echo.url + "/warm", json={})
    began = time.perf_counter()
    for _ in range(20):
        session.post(echo.url + "/x", json={"a": 1})
    assert (time.perf_counter() - began) / 20 < 0.03
    assert len(echo._server._connections) == 1


def test_a_segment_keeps_its_encoded_slash(echo, session):
    assert session.get(f"{echo.url}//a%2Fb/%25%20c").json()["segments"] == ["", "a/b", "% c"]


def test_a_chunked_body_is_read(echo, session):
    assert session.post(echo.url + "/x", data=iter([b"ab", b"", b"cd"])).json()["body"] == "abcd"


def test_a_busy_port_is_one_clear_sentence(echo):
    with pytest.raises(CannotListen, match=rf"Port {echo.port} on 127\.0\.0\.1 is in use: stop the program"):
        Echo(port=echo.port).start()


def test_a_stopped_simulator_closes_its_connections_and_starts_again_on_its_port(echo, session):
    session.get(echo.url + "/one")
    port = echo.port
    echo.stop()
    with pytest.raises(requests.ConnectionError):
        session.get(echo.url + "/two")
    assert echo.start().port == port
    assert session.get(echo.url + "/three").status_code == 200
    assert [entry["path"] for entry in echo.received] == ["/one", "/three"]


def test_stop_interrupts_a_waiting_call(echo):
    echo.fail(delay=60)
    caller = threading.Thread(target=_get_quietly, args=(echo.url + "/slow",))
    caller.start()
    assert wait_until(lambda: echo.received)
    began = time.monotonic()
    echo.stop()
    caller.join(5)
    assert time.monotonic() - began < 3
    assert not caller.is_alive()


def _get_quietly(url):
    with contextlib.suppress(requests.ConnectionError):
        requests.get(url, timeout=30)


def test_a_planned_status_is_used_up_and_does_nothing(echo, session):
    echo.fail(status=503, times=2, on="POST /hook", retry_after=7)
    assert session.get(echo.url + "/hook").status_code == 200
    answers = [session.post(echo.url + "/hook/1") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["Retry-After"] == "7"
    assert echo.done == ["/hook", "/hook/1"]


def test_faults_are_planned_listed_and_cleared_over_http(echo, session):
    control = f"{echo.url}/_fault"
    assert session.post(control, json={"status": 500, "times": None}).json() == {
        "faults": [{"status": "500", "times": None, "on": ""}]
    }
    assert [session.get(echo.url + "/x").status_code for _ in range(3)] == [500, 500, 500]
    assert session.delete(control).json() == {"faults": []}
    assert session.get(echo.url + "/x").status_code == 200


@pytest.mark.parametrize(
    "body", ['{"nonsense": 1}', '{"status": "x"}', '{"delay": 9999}', '{"times": 0}', '{"times": "2"}', "[]", "{"]
)
def test_a_wrong_fault_is_refused_with_a_reason(echo, session, body):
    answer = session.post(f"{echo.url}/_fault", data=body)
    assert (answer.status_code, bool(answer.json()["title"])) == (400, True)
    assert session.get(f"{echo.url}/_fault").json() == {"faults": []}


def test_drop_does_nothing_and_lost_does_it_and_neither_answers(echo):
    for word, done in (("drop", []), ("lost", ["/x"])):
        echo.fail(**{word: True})
        with pytest.raises(requests.ConnectionError):
            requests.get(echo.url + "/x", timeout=5)
        assert echo.done == done


def test_a_late_answer_comes_after_what_was_asked_for_is_done(echo):
    echo.fail(late=60)
    with pytest.raises(requests.ReadTimeout):
        requests.get(echo.url + "/x", timeout=0.2)
    assert echo.done == ["/x"]


def test_truncated_promises_more_than_it_sends(echo):
    echo.fail(truncated=True)
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        requests.get(echo.url + "/x", timeout=5)


def test_spoiled_answers_keep_their_status(echo, session):
    echo.fail(malformed=True)
    echo.fail(html=True)
    echo.fail(body="anything")
    echo.fail(gzip=True)
    malformed, html, exact, packed = (session.get(echo.url + "/x") for _ in range(4))
    with pytest.raises(requests.JSONDecodeError):
        malformed.json()
    assert (html.headers["Content-Type"], html.status_code) == ("text/html", 200)
    assert exact.text == "anything"
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.json() == {"segments": ["x"], "body": ""}


def test_a_drip_comes_byte_by_byte(echo, session):
    echo.fail(drip=0.01)
    began = time.monotonic()
    answer = session.get(echo.url + "/x")
    assert answer.json() == {"segments": ["x"], "body": ""}
    assert time.monotonic() - began >= 0.01 * len(answer.content)


def test_a_fault_text_is_read_as_words():
    assert Fault.from_text("delay=2; status=503;malformed").words == {"delay": "2", "status": "503", "malformed": ""}
    with pytest.raises(UnknownFault):
        Fault.from_text("malformd")


def test_the_log_forgets_the_oldest_beyond_its_bounds(echo, session, monkeypatch):
    monkeypatch.setattr("orders.simulators.base.LOG_ENTRIES", 3)
    for number in range(5):
        session.get(f"{echo.url}/{number}")
    assert [entry["path"] for entry in echo.received] == ["/2", "/3", "/4"]
    monkeypatch.setattr("orders.simulators.base.LOG_BYTES", 10)
    session.post(f"{echo.url}/big", data="123456789")
    session.post(f"{echo.url}/next", data="12")
    assert [entry["path"] for entry in echo.received] == ["/next"]


def test_numbers_keep_their_digits():
    text = '{"a":19.90,"b":[1e2,-0,100000000000000000000000000001],"c":"\\"ø","d":null,"e":true}'
    assert write_json(read_json(text)) == text.replace("\\u00f8", "ø")


def test_a_failure_of_the_simulator_itself_is_answered_and_shown(capsys):
    class Broken(Simulator):
        def answer(self, call, fault):
            raise KeyError("oops")

    with Broken() as broken:
        assert requests.get(broken.url + "/x", timeout=5).status_code == 500
    assert "oops" in capsys.readouterr().err


def test_a_simulator_needs_no_django():
    modules = "orders.simulators.base, proxy.simulator.server, suppliers.simulator.server, orderflow.simulator.server"
    code = f"import sys, {modules}; sys.exit(any(name.startswith('django') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


COMMANDS = [("mock_oms", []), ("mock_supplier", []), ("mock_orderflow", [])]


@pytest.mark.parametrize(("command", "options"), COMMANDS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_each_command_prints_one_line_serves_and_stops_cleanly(command, options, number):
    with _manage(command, "--port", "0", *options) as process:
        line = process.stdout.readline()
        url = next(word for word in line.split() if word.startswith("http://127.0.0.1:"))
        address = url.split("/")[2]
        assert f"curl http://{address}/_received" in line
        assert requests.get(f"http://{address}/_received", timeout=5).json() == {"received": []}
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stdout.read() == "stopped\n"
        assert process.stderr.read() == ""


def test_a_command_on_a_busy_port_reports_it_and_exits_1():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with _manage("mock_oms", "--port", str(port)) as process:
            assert process.wait(30) == 1
            error = process.stderr.read()
    assert f"Port {port} on 127.0.0.1 is in use" in error
    assert len(error.strip().splitlines()) == 1


def _manage(*arguments):
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_control_answer_is_json(echo, session):
    answer = session.get(f"{echo.url}/_nothing")
    assert (answer.status_code, json.loads(answer.text)["title"]) == (404, "echo has no GET /_nothing")
