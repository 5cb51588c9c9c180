"""The simulated supplier checks signatures and fetches its orders (docs/reference/supplier-events.md)."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
import requests
from standardwebhooks import Webhook

from orders.simulators.base import Simulator, wait_until
from orders.simulators.tokens import TokenEndpoint
from orders.simulators.wire import Answer, json_answer
from suppliers.simulator import signature
from suppliers.simulator.hub_client import HubAccount
from suppliers.simulator.server import MockSupplier

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()
TOKEN = "7B9A6C54-1E2D-4C3B-8A79-6F5E4D3C2B1A"


class Hub(Simulator):
    """The two addresses of the hub that a supplier calls."""

    def __init__(self):
        super().__init__()
        self.tokens = TokenEndpoint("beans", client_secret="s")

    def answer(self, call, fault):
        if call.path == "/oauth2/token":
            return self.tokens.answer(call)
        if not self.tokens.knows(call.bearer):
            return json_answer({}, status=401)
        if call.query["ExternalId"] != TOKEN:
            return json_answer({"title": "There is no such order"}, status=404)
        return Answer(body=b'{"orderToken":"%s","totalPrice":39.80}' % TOKEN.encode())


@pytest.fixture
def hub():
    with Hub() as hub:
        yield hub


@pytest.fixture
def supplier(hub):
    with MockSupplier(account=HubAccount(hub.url, "beans", "s"), signing_secrets=[SECRET]) as supplier:
        yield supplier


def message(*, event_type="order_created", token=TOKEN, secret=SECRET, webhook_id="msg_1", at=None):
    body = json.dumps({"eventType": event_type, "orderToken": token, "case": {}})
    at = at or datetime.now(UTC)
    headers = {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, at, body),
        "Correlation-Id": "corr-1",
    }
    return {"data": body, "headers": headers, "timeout": 5}


def post(supplier, **options):
    return requests.post(supplier.hook_url, **message(**options))


def test_a_signed_event_is_answered_202_and_its_order_fetched_digit_for_digit(supplier, hub):
    assert post(supplier).status_code == 202
    assert wait_until(lambda: supplier.fetched)
    text = requests.get(f"{supplier.url}/_fetched", timeout=5).text
    assert f'"order":{{"orderToken":"{TOKEN}","totalPrice":39.80}}' in text
    [entry] = json.loads(text)["fetched"]
    assert (entry["webhookId"], entry["orderToken"], entry["status"], entry["error"]) == ("msg_1", TOKEN, 200, None)
    [event] = requests.get(f"{supplier.url}/_events", timeout=5).json()["events"]
    assert (event["eventType"], event["verified"], event["repeat"], event["status"]) == (
        "order_created",
        True,
        False,
        202,
    )
    assert [call["path"] for call in hub.received] == ["/oauth2/token", f"/api/Orders?ExternalId={TOKEN}"]
    assert hub.received[1]["headers"]["Correlation-Id"] == "corr-1"
    assert [entry["path"] for entry in supplier.received] == ["/hook"]


@pytest.mark.parametrize("secret", [OTHER, "whsec_AAAA"])
def test_a_foreign_signature_is_401_listed_and_not_fetched(supplier, secret):
    assert post(supplier, secret=secret).status_code == 401
    assert [event["verified"] for event in supplier.events] == [False]
    assert post(supplier, webhook_id="msg_2").status_code == 202
    assert wait_until(lambda: supplier.fetched)
    assert [entry["webhookId"] for entry in supplier.fetched] == ["msg_2"]


def test_either_secret_will_do_while_one_is_rotated(supplier):
    supplier.signing_secrets = [OTHER, SECRET]
    assert [post(supplier, secret=each, webhook_id=each).status_code for each in (SECRET, OTHER)] == [202, 202]


def test_without_a_secret_nothing_is_judged(supplier):
    supplier.signing_secrets = []
    assert requests.post(supplier.hook_url, json={"eventType": "x"}, timeout=5).status_code == 202
    assert supplier.events[0]["verified"] is None


OLD = datetime.now(UTC) - timedelta(minutes=6)


@pytest.mark.parametrize("judge", ["judged_here", "judged_by_library"])
def test_both_judges_agree(judge):
    judged = getattr(signature, judge)

    def verdict(sent, *, secret=SECRET, **changed):
        return judged(
            sent["data"].encode(), headers={k.lower(): v for k, v in sent["headers"].items()} | changed, secret=secret
        )

    good = message()
    assert verdict(good)
    assert verdict(good, **{"webhook-signature": "v1,bm8= " + good["headers"]["webhook-signature"]})
    assert not verdict(good, secret=OTHER)
    assert not verdict(message(at=OLD))
    assert not verdict({**good, "data": good["data"] + " "})
    assert not verdict(good, **{"webhook-id": "msg_2"})
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        assert not verdict(good, **{name: ""})
        assert not verdict(good, **{name: "ø,,, v1"})


def test_a_repeat_is_accepted_listed_and_not_fetched_again(supplier, hub):
    assert [post(supplier).status_code for _ in range(2)] == [202, 202]
    assert post(supplier, webhook_id="msg_2", event_type="order_updated").status_code == 202
    assert wait_until(lambda: len(supplier.fetched) == 2)
    assert [event["repeat"] for event in supplier.events] == [False, True, False]
    assert hub.tokens.given == 1
    page = requests.get(supplier.url, timeout=5).text
    assert page.count(f"<td>{TOKEN}</td>") == 2
    assert "39.80" in page


def test_a_cancellation_is_not_fetched(supplier, hub):
    assert post(supplier, event_type="order_cancelled").status_code == 202
    assert hub.received == []


def test_an_expired_token_is_fetched_anew(supplier, hub):
    post(supplier)
    assert wait_until(lambda: supplier.fetched)
    hub.tokens.revoke()
    post(supplier, webhook_id="msg_2")
    assert wait_until(lambda: len(supplier.fetched) == 2)
    assert [entry["status"] for entry in supplier.fetched] == [200, 200]
    assert hub.tokens.given == 2


def test_a_failed_fetch_gives_the_reason(supplier, hub):
    post(supplier, token="UNKNOWN")
    assert wait_until(lambda: supplier.fetched)
    assert (supplier.fetched[0]["status"], supplier.fetched[0]["order"]) == (404, None)
    hub.tokens.client_secret = "changed"
    hub.tokens.revoke()
    post(supplier, webhook_id="msg_2")
    assert wait_until(lambda: len(supplier.fetched) == 2)
    assert "/oauth2/token answered 401" in supplier.fetched[1]["error"]


def test_a_hub_that_is_down_for_a_moment_is_asked_again(supplier, hub):
    hub.fail(status=503, times=1, on="/api/Orders")
    post(supplier)
    assert wait_until(lambda: supplier.fetched)
    assert supplier.fetched[0]["status"] == 200


def test_basic_is_asked_for(hub):
    with MockSupplier(basic=("hub", "pw")) as supplier:
        assert post(supplier).status_code == 401
        assert requests.post(supplier.hook_url, auth=("hub", "pw"), json={"a": 1}, timeout=5).status_code == 202


def test_oauth2_is_asked_for_with_its_own_token_endpoint(hub):
    with MockSupplier(oauth2=("hub", "pw")) as supplier:
        assert post(supplier).status_code == 401
        form = {"grant_type": "client_credentials"}
        given = requests.post(f"{supplier.url}/oauth2/token", data=form, auth=("hub", "pw"), timeout=5).json()
        headers = {"Authorization": f"Bearer {given['access_token']}"}
        assert requests.post(supplier.hook_url, headers=headers, json={"a": 1}, timeout=5).status_code == 202


def test_faults_refuse_without_taking_and_lose_after_taking(supplier):
    supplier.fail(status=410)
    assert post(supplier).status_code == 410
    assert supplier.events == []
    supplier.fail(lost=True)
    with pytest.raises(requests.ConnectionError):
        post(supplier)
    assert wait_until(lambda: supplier.fetched)
    assert post(supplier).status_code == 202
    assert [event["repeat"] for event in supplier.events] == [False, True]
    assert len(supplier.received) == 3


def test_a_body_that_is_no_object_is_400(supplier):
    supplier.signing_secrets = []
    assert requests.post(supplier.hook_url, data="[1]", timeout=5).status_code == 400
    assert requests.put(supplier.hook_url, data="{}", timeout=5).status_code == 405


def test_lists_are_emptied_on_delete(supplier):
    post(supplier)
    assert wait_until(lambda: supplier.fetched)
    for name in ("events", "fetched", "received"):
        assert requests.delete(f"{supplier.url}/_{name}", timeout=5).json() == {name: []}


def test_fetching_goes_on_after_a_restart(supplier):
    supplier.stop()
    supplier.start()
    post(supplier)
    assert wait_until(lambda: supplier.fetched)
