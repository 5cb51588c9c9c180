import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from orders.outgoing import signing

FIXED_SECRET = "whsec_" + base64.b64encode(b"orderhub test vector, 32 bytes!!").decode()
FIXED_BODY = b'{"eventType":"order_created","orderToken":"7B9A6C54-1E2D-4C3B-8A79-6F5E4D3C2B1A"}'
FIXED_SIGNATURE = "v1,3ZmHMrBpAIi5IGFKaIhsMCfzJ43vk9XLD93SUkhUuP4="


def headers(message_id, timestamp, signature):
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": signature}


def now():
    return int(datetime.now(UTC).timestamp())


def test_the_fixed_vector_of_the_supplier_guide_holds():
    signature = signing.sign(FIXED_BODY, message_id="msg_1", timestamp=1795000000, secrets=[FIXED_SECRET])
    assert signature == FIXED_SIGNATURE


def test_the_published_library_verifies_a_signature():
    secret, at = signing.make_secret(), now()
    signature = signing.sign(b'{"a":1}', message_id="msg_x", timestamp=at, secrets=[secret])
    assert Webhook(secret).verify(b'{"a":1}', headers("msg_x", at, signature)) == {"a": 1}


@pytest.mark.parametrize(
    ("message_id", "shift", "body"), [("msg_y", 0, b'{"a":1}'), ("msg_x", 1, b'{"a":1}'), ("msg_x", 0, b'{"a":2}')]
)
def test_a_signature_covers_id_timestamp_and_body(message_id, shift, body):
    secret, at = signing.make_secret(), now()
    signature = signing.sign(b'{"a":1}', message_id="msg_x", timestamp=at, secrets=[secret])
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers(message_id, at + shift, signature))


def test_while_a_secret_is_rotated_either_one_verifies():
    old, new, at = signing.make_secret(), signing.make_secret(), now()
    signature = signing.sign(b"{}", message_id="msg_x", timestamp=at, secrets=[new, old])
    assert len(signature.split(" ")) == 2
    for secret in (old, new):
        assert Webhook(secret).verify(b"{}", headers("msg_x", at, signature)) == {}


def test_made_secrets_differ_and_parse_to_32_bytes():
    made = {signing.make_secret() for _ in range(20)}
    assert len(made) == 20
    assert {len(signing.parse_secret(secret)) for secret in made} == {32}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        "whsec_short",
        "whsec_" + base64.b64encode(b"x" * 23).decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
        base64.b64encode(b"x" * 32).decode(),
        "whsec_" + "é" * 44,
        "whsec_" + "!" * 44,
    ],
)
def test_a_secret_that_is_none_is_refused_without_quoting_it(text):
    with pytest.raises(signing.SecretFormatError) as refused:
        signing.parse_secret(text)
    assert str(refused.value) == 'A signing secret is "whsec_" and the base64 of 24 to 64 random bytes.'
