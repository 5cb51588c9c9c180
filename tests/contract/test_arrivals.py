"""When a request is given to a thread: with its last byte, neither before nor later."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.security import FORM_BYTES
from config.webserver import bounds
from config.webserver.stages import Arrival
from orders.api.load import LIMIT_BYTES

POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
WHOLE = {
    "no body": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a body of length none": POST + b"Content-Length: 0\r\n\r\n",
    "a body with an end of headers in it": POST + b"content-length:\t9\r\n\r\nab\r\n\r\ncde",
    "a header that only ends like a length": POST + b"X-Content-Length: 9\r\n\r\n",
    "chunks": CHUNKED + b"3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
    "a chunk that looks like the last": CHUNKED + b"5\r\n0\r\n\r\n\r\n0\r\n\r\n",
    "chunks with extensions and trailers": CHUNKED + b'1 ;a="b"\r\nx\r\n00;z\r\nX-A: b\r\nX-B: c\r\n\r\n',
}


class Sender:
    """Of a socket, what an arrival reads."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    def recv(self, size: int) -> bytes:
        if not self.pieces:
            raise BlockingIOError
        return self.pieces.pop(0)


def arrived_with(arrival, *pieces):
    return [arrival.step(Sender(piece)) for piece in pieces]


@pytest.mark.parametrize("shape", WHOLE)
def test_a_request_has_come_with_its_last_byte(shape):
    whole = WHOLE[shape]
    told = arrived_with(Arrival(b""), *(whole[at : at + 1] for at in range(len(whole))))
    assert told == [False] * (len(whole) - 1) + [True]


@given(shape=st.sampled_from(sorted(WHOLE)), cuts=st.lists(st.integers(0, 90)))
def test_it_matters_not_in_which_pieces_it_comes(shape, cuts):
    whole, arrival = WHOLE[shape], Arrival(b"")
    ends = sorted({min(cut, len(whole)) for cut in cuts} | {len(whole)})
    pieces = [whole[begin:end] for begin, end in zip([0, *ends], ends, strict=False) if end > begin]
    assert arrived_with(arrival, *pieces) == [False] * (len(pieces) - 1) + [True]
    assert bytes(arrival.received) == whole


@pytest.mark.parametrize("shape", WHOLE)
def test_what_came_behind_an_earlier_request_needs_no_further_byte(shape):
    assert Arrival(WHOLE[shape]).step(Sender())


@pytest.mark.parametrize(
    "sent",
    [
        POST + b"Content-Length: 99999999999\r\n\r\n", POST + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n",
        POST + b"Content-Length: -1\r\n\r\n", CHUNKED + b"zz\r\n", CHUNKED + b"f" * 17 + b"\r\n",
        CHUNKED + b"a" * (bounds.LARGE + 1), CHUNKED + b"0\r\n" + b"a" * (bounds.LARGE + 1),
        b"a" * (bounds.LARGEST_HEAD + 1),
    ],
)  # fmt: skip
def test_what_is_to_be_refused_is_not_waited_for(sent):
    assert Arrival(sent).step(Sender())


def test_a_body_in_tiny_chunks_is_refused_after_the_first_ten_thousand():
    """The loop steps over each; for 33 MiB of them it stood still for 8 s."""
    arrival, piece = Arrival(CHUNKED), b"1\r\nx\r\n" * 10_000
    told = arrived_with(arrival, *[piece] * 3)
    assert told == [False, True, True]
    assert arrival.is_refused


def test_a_body_in_chunks_of_a_usual_size_is_read_however_many_they_are():
    arrival, piece = Arrival(CHUNKED), b"400\r\n" + b"x" * 1_024 + b"\r\n"
    count = bounds.LARGEST_BODY // len(piece) - 1
    told = [arrival.step(Sender(piece * 100)) for _ in range(count // 100)]
    assert (set(told), arrival.is_refused) == ({False}, False)
    assert arrival.step(Sender(b"0\r\n\r\n"))


def test_a_body_of_ten_thousand_chunks_of_one_byte_is_read():
    arrival = Arrival(CHUNKED + b"1\r\nx\r\n" * bounds.CHUNKS_AT_LEAST + b"0\r\n\r\n")
    assert (arrival.step(Sender()), arrival.is_refused) == (True, False)


def test_nothing_that_the_hub_takes_is_too_large_to_be_read_whole():
    assert max(FORM_BYTES, LIMIT_BYTES) < bounds.LARGEST_BODY
