"""docs/guides/suppliers.md is what a supplier's engineer copies from: its code and its vector must work."""

import json
import re
from pathlib import Path

import pytest

from orders.outgoing import signing
from suppliers.reports.messages import REPORTS
from tests.suppliers.test_signing import FIXED_BODY, FIXED_SECRET, FIXED_SIGNATURE

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "suppliers.md").read_text()


@pytest.fixture
def receiver():
    code = re.search(r"```python\n(.*?)```", GUIDE, re.DOTALL).group(1)
    assert len([line for line in code.splitlines() if line.strip()]) <= 21
    names = {"__name__": "receiver"}
    exec(compile(code, "docs/guides/suppliers.md", "exec"), names)
    return names


def test_the_guides_vector_is_the_tested_one():
    for text in (FIXED_SECRET, FIXED_BODY.decode(), FIXED_SIGNATURE):
        assert f"`{text}`" in GUIDE


def test_the_guides_receiver_verifies_the_vector_and_nothing_else(receiver):
    headers = {"webhook-id": "msg_1", "webhook-timestamp": "1795000000", "webhook-signature": FIXED_SIGNATURE}
    genuine = receiver["genuine"]
    assert genuine(headers, FIXED_BODY, now=1795000100)
    assert not genuine(headers, FIXED_BODY + b" ", now=1795000100)
    assert not genuine(headers, FIXED_BODY, now=1795000301)
    assert not genuine(headers | {"webhook-id": "msg_2"}, FIXED_BODY, now=1795000100)
    assert not genuine(headers | {"webhook-signature": "v1,é"}, FIXED_BODY, now=1795000100)


def test_the_guides_receiver_takes_either_signature_while_rotating(receiver):
    secrets = [signing.make_secret(), FIXED_SECRET]
    signature = signing.sign(b"{}", message_id="msg_9", timestamp=1795000000, secrets=secrets)
    headers = {"webhook-id": "msg_9", "webhook-timestamp": "1795000000", "webhook-signature": signature}
    assert receiver["genuine"](headers, b"{}", now=1795000000)


def test_the_guides_samples_are_json_and_name_every_report():
    for sample in re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL):
        json.loads(sample)
    for name in REPORTS:
        assert f"`{name}`" in GUIDE
