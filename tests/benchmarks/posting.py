"""What a delivery costs without a hub: a bare loop of pooled posts; a Celery task that opens a connection each time.

python -m tests.benchmarks.posting URL COUNT THREADS        prints posts per second
"""

from __future__ import annotations

import os
import sys
import threading
import time

import requests
from celery import Celery

BODY = (
    b'{"eventType":"order_created","payloadVersion":"1.0.0","correlationId":"0D2F5A10-3B1C-4B7E-9C55-0A4D8E6B1F21",'
    b'"timestamp":"2026-11-20T08:46:36+0000","case":{"uuid":"5f0c7f5e-7f0a-4f3c-8f6f-2c1b0a9d8e7f","number":"CH1",'
    b'"externalClaimId":"","token":"c.0D2F5A10-3B1C-4B7E-9C55-0A4D8E6B1F21","caseType":"contentClaim"},'
    b'"orderToken":"7B9A6C54-1E2D-4C3B-8A79-6F5E4D3C2B1A"}'
)
HEADERS = {
    "Content-Type": "application/json",
    "webhook-id": "msg_0192f3a1000070008000000000000000",
    "webhook-timestamp": "1795000000",
    "webhook-signature": "v1,3ZmHMrBpAIi5IGFKaIhsMCfzJ43vk9XLD93SUkhUuP4=",
}
TIMEOUT_SECONDS = 30


def bare_loop(url: str, *, count: int, threads: int) -> float:
    """One session per thread, nothing from the environment, as in the hub."""

    def post(share: int) -> None:
        with requests.Session() as session:
            session.trust_env = False
            for _ in range(share):
                session.post(url, data=BODY, headers=HEADERS, timeout=TIMEOUT_SECONDS)

    workers = [threading.Thread(target=post, args=(count // threads,)) for _ in range(threads)]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return count // threads * threads / (time.perf_counter() - began)


celery_app = Celery("posting", broker=os.environ.get("REDIS_URL"))
celery_app.conf.update(task_ignore_result=True, task_acks_late=True, worker_prefetch_multiplier=4)


@celery_app.task(name="post")
def post_task(url: str) -> None:
    with requests.Session() as session:
        session.trust_env = False
        session.post(url, data=BODY, headers=HEADERS, timeout=TIMEOUT_SECONDS)


if __name__ == "__main__":
    print(bare_loop(sys.argv[1], count=int(sys.argv[2]), threads=int(sys.argv[3])))
