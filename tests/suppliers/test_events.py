import json
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest

from suppliers.webhooks import events

TOKEN = "7B9A6C54-1E2D-4C3B-8A79-6F5E4D3C2B1A"
SAMPLE = {
    "eventType": "order_created",
    "payloadVersion": "1.0.0",
    "correlationId": "0D2F5A10-3B1C-4B7E-9C55-0A4D8E6B1F21",
    "timestamp": "2026-11-20T08:46:36+0000",
    "case": {
        "uuid": "5f0c7f5e-7f0a-4f3c-8f6f-2c1b0a9d8e7f",
        "number": "CH10000001",
        "externalClaimId": "",
        "token": "c.0D2F5A10-3B1C-4B7E-9C55-0A4D8E6B1F21",
        "caseType": "contentClaim",
    },
    "orderToken": TOKEN,
}
MADE_AT = datetime(2026, 11, 20, 8, 46, 36, 999_999, tzinfo=UTC)


def test_the_sample_event_is_rendered_member_for_member():
    case = events.case_in({"case": SAMPLE["case"]})
    text = events.render_event("order_created", case=case, order_token=TOKEN, made_at=MADE_AT)
    assert json.loads(text) == SAMPLE
    assert list(json.loads(text)) == list(SAMPLE)
    assert list(json.loads(text)["case"]) == list(SAMPLE["case"])
    assert text == json.dumps(SAMPLE, separators=(",", ":"))


@pytest.mark.parametrize("hours", [-11, 0, 2, 14])
def test_the_timestamp_is_utc_in_whole_seconds_without_a_colon(hours):
    local = MADE_AT.astimezone(timezone(timedelta(hours=hours)))
    assert events.wire_time(local) == "2026-11-20T08:46:36+0000"


def test_an_order_without_a_case_gets_its_minted_one():
    case_uuid, token = uuid.uuid4(), uuid.uuid4()
    assert events.case_in({"customerOrderId": "1001"}) is None
    case = events.minted_case("1001", case_uuid=case_uuid, token=token, case_type="contentClaim")
    assert case.as_json() == {
        "uuid": str(case_uuid),
        "number": "1001",
        "externalClaimId": "",
        "token": "c." + str(token).upper(),
        "caseType": "contentClaim",
    }
    assert case.uuid == case.uuid.lower()
    assert case.correlation_id == str(token).upper()


def test_a_given_case_keeps_its_letters():
    given = SAMPLE["case"] | {"token": "c.0d2f5a10-3b1c-4b7e-9c55-0a4d8e6b1f21", "number": "blåbær \u2028"}
    case = events.case_in({"case": given})
    assert case.as_json() == given
    sent = json.loads(events.render_event("order_updated", case=case, order_token=TOKEN, made_at=MADE_AT))
    assert sent["case"] == given
    assert "c." + sent["correlationId"] == given["token"]
