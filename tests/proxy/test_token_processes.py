"""One token for two real processes that share a Redis: 200 first calls at the same moment are one fetch."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from tests.processes import ROOT

pytestmark = pytest.mark.needs_redis

CALLS_PER_PROCESS = 100
PROGRAM = """
import sys, threading, time
import django; django.setup()
from orders.outgoing import Call, Deadline
from orders.outgoing.partner_tokens import ClientCredentials, token_for
url, calls, start_at = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
credentials = ClientCredentials(url, "hub", "se+cr%t")
barrier, tokens = threading.Barrier(calls), []
def call():
    barrier.wait()
    time.sleep(max(0, start_at - time.time()))
    tokens.append(token_for(credentials, call=Call("GET", url), deadline=Deadline.after(20)))
threads = [threading.Thread(target=call) for _ in range(calls)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(tokens), *set(tokens))
"""


def test_two_hundred_first_calls_in_two_processes_fetch_one_token(oms, empty_redis):
    oms.fail(delay=0.1, on="/oauth2/token", times=None)
    environ = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "HUB_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
        "HUB_OUTBOUND_ALLOW_HTTP": "true",
    }
    start_at = time.time() + 6
    command = [sys.executable, "-c", PROGRAM, oms.token_url, str(CALLS_PER_PROCESS), str(start_at)]
    running = [subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [process.communicate(timeout=60)[0].split() for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert [answer[0] for answer in answers] == [str(CALLS_PER_PROCESS)] * 2
    assert len({token for answer in answers for token in answer[1:]}) == 1
    assert oms.tokens.given == 1
    kept = empty_redis.mget(empty_redis.keys("*partner-token*"))
    assert kept
    assert not any(answers[0][1].encode() in value for value in kept)
