"""Reading through: what the hub adds to a tenant's own order service, and what one bad service costs the others.

The order service is ``manage.py mock_oms`` in a process of its own, answering at once unless a bench says otherwise.
"""

from __future__ import annotations

import json
import statistics
import sys
import threading
import time
import urllib.request
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from tests.benchmarks import puts
from tests.benchmarks.comparison import ROUNDS, Comparison, Limit, Measure, compare
from tests.benchmarks.load import Connection, Round, run_load
from tests.benchmarks.stack import Stack
from tests.processes import HubProcess, free_port

CONNECTIONS = 16
SECONDS, LOAD_SECONDS = 2.5, 1.5
"""Of a round at an even pace, and of one at full speed."""
ORDER_PATH = "business-units/store-1/customer-orders/seed-1"
PER_SECOND = 20
"""An even pace, as tills ask; the hub is far from its limits."""

FIRST_CALLS = 200
NEIGHBOUR_CONNECTIONS = 4
TILLS = 32
TILL_PAUSE_SECONDS = 0.5
"""A till asks again after this long; without it the load itself would take the cores."""

PASSWORD = "bench-password"
CLIENT_SECRET = "bench-proxy-secret-0123456789-0123456789"


@dataclass(frozen=True)
class Oms:
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def received(self, path: str) -> int:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{self.url}/_received") as answer:
            return sum(call["path"].startswith(path) for call in json.load(answer)["received"])


@contextmanager
def order_service(stacked: Stack, *, delay_ms: int = 0) -> Iterator[Oms]:
    oms = Oms(free_port())
    command = [
        *(sys.executable, "manage.py", "mock_oms", "--port", str(oms.port), "--seed", "50", "--delay", str(delay_ms)),
        *("--username", "bench", "--password", PASSWORD, "--client-id", "bench", "--client-secret", PASSWORD),
    ]
    log = stacked.folder / f"oms-{oms.port}.log"
    with HubProcess(command, environ=stacked.environ, log=log) as process:
        process.wait_for_text("mock_oms listens")
        yield oms


def onboard(stacked: Stack, slug: str, oms: Oms, *, auth_url: str = "") -> None:
    """A tenant in proxy mode: Basic, or OAuth2 with the address given."""
    basic = {"type": "basic", "config": {"username": "bench", "password": PASSWORD}}
    oauth2 = {"type": "oauth2", "config": {"clientId": "bench", "clientSecret": PASSWORD, "authUrl": auth_url}}
    client = {"client_id": slug, "client_secret": CLIENT_SECRET, "scopes": ["customer-orders:read"]}
    tenant = {"id": slug, "name": slug, "mode": "proxy", "external_url": f"{oms.url}/api/v1"}
    file = stacked.folder / f"{slug}.yaml"
    entry = tenant | {"proxy_auth": oauth2 if auth_url else basic, "api_clients": [client]}
    file.write_text(json.dumps({"tenants": [entry]}))  # JSON is YAML
    stacked.manage("onboard", str(file))


def outward(stacked: Stack, **more: str) -> Stack:
    """The stack allowed to speak to loopback."""
    allowed = {"HUB_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8", "HUB_OUTBOUND_ALLOW_HTTP": "true"}
    return replace(stacked, environ=stacked.environ | allowed | more)


def get_request(path: str, **headers: str) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n".encode()


def hub_request(stacked: Stack, port: int, slug: str) -> bytes:
    token = stacked.token(port, client_id=slug, secret=CLIENT_SECRET)
    return get_request(f"/api/v1/{ORDER_PATH}", Authorization=f"Bearer {token}")


def direct_request() -> bytes:
    login = b64encode(f"bench:{PASSWORD}".encode()).decode()
    return get_request(f"/api/v1/{ORDER_PATH}", Authorization=f"Basic {login}", Tenant_Id="bench-proxy")


def gets(port: int, request: bytes) -> float:
    def requests(_: int) -> Iterator[bytes]:
        while True:
            yield request

    done = run_load(port, requests, connections=CONNECTIONS, seconds=LOAD_SECONDS)
    assert done.refused == 0, f"{done.refused} GETs were refused"
    return done.rate


def bench_throughput(stacked: Stack) -> list[Comparison | Limit]:
    puts.prepare(stacked)
    with ExitStack() as running:
        oms = running.enter_context(order_service(stacked))
        ours = outward(stacked, HUB_BENCH_OMS=f"{oms.url}/api/v1", HUB_BENCH_PASSWORD=PASSWORD)
        onboard(ours, "bench-proxy", oms)
        hub, bare = running.enter_context(ours.web()), running.enter_context(ours.baseline())
        through, straight = hub_request(ours, hub, "bench-proxy"), get_request(f"/forward/{ORDER_PATH}")
        measure = Measure(
            name="proxied-get",
            unit="GET/s",
            hub=lambda: gets(hub, through),
            baseline=lambda: gets(bare, straight),
            what="proxied reads per second, against a bare Django view that forwards with a pooled requests session",
            bar=0.7,
        )
        return [compare(measure)]


def bench_latency(stacked: Stack) -> list[Comparison | Limit]:
    """Hub and order service are asked in turns, each at the same even pace, so that noise meets both alike."""
    with ExitStack() as running:
        oms = running.enter_context(order_service(stacked))
        ours = outward(stacked)
        onboard(ours, "bench-latency", oms)
        hub = running.enter_context(ours.web())
        targets = (Connection(hub), hub_request(ours, hub, "bench-latency")), (Connection(oms.port), direct_request())
        paced_pairs(targets, seconds=1)
        rounds = [paced_pairs(targets, seconds=SECONDS) for _ in range(ROUNDS)]
    return [_added(rounds, share=0.5, most=3.0), _added(rounds, share=0.99, most=10.0)]


def paced_pairs(targets: tuple[tuple[Connection, bytes], ...], *, seconds: float) -> list[Round]:
    results = [Round() for _ in targets]
    step = 1 / PER_SECOND / len(targets)
    began = time.perf_counter()
    for number in range(int(seconds / step)):
        time.sleep(max(0.0, began + number * step - time.perf_counter()))
        (connection, request), result = targets[number % len(targets)], results[number % len(targets)]
        asked = time.perf_counter()
        assert connection.ask(request) == 200
        result.latencies.append(time.perf_counter() - asked)
    return results


def _added(rounds: list[list[Round]], *, share: float, most: float) -> Limit:
    hub, direct = (Round(latencies=[one for each in rounds for one in each[side].latencies]) for side in (0, 1))
    per_round = [1000 * (each[0].percentile(share) - each[1].percentile(share)) for each in rounds]
    return Limit(
        name=f"proxied-latency p{share * 100:g}",
        unit="ms",
        value=1000 * (hub.percentile(share) - direct.percentile(share)),
        rounds=per_round,
        normal=f"{1000 * direct.percentile(share):.2f} ms directly",
        most=most,
        what=f"milliseconds that the hub adds to a read at {PER_SECOND} requests/s, {len(hub.latencies)} reads",
    )


def bench_tokens(stacked: Stack) -> list[Comparison | Limit]:
    """Each round has a token address of its own, so that nobody has a token for it yet."""
    ours, fetched = outward(stacked), []
    with order_service(stacked) as oms, ours.web() as hub:
        for number in range(ROUNDS):
            slug = f"bench-token-{number}"
            onboard(ours, slug, oms, auth_url=f"{oms.url}/oauth2/token?round={number}")
            before = oms.received("/oauth2/token")
            all_at_once(hub, hub_request(ours, hub, slug))
            fetched.append(float(oms.received("/oauth2/token") - before))
    return [
        Limit(
            name="proxied-tokens",
            unit="fetches",
            value=max(fetched),
            rounds=fetched,
            normal=f"{FIRST_CALLS} calls",
            most=1,
            what=f"token requests to the order service under {FIRST_CALLS} concurrent first calls",
        )
    ]


def all_at_once(port: int, request: bytes) -> None:
    barrier, statuses = threading.Barrier(FIRST_CALLS), []

    def call() -> None:
        connection = Connection(port)
        barrier.wait()
        statuses.append(connection.ask(request))
        connection.close()

    in_threads(FIRST_CALLS, call)
    assert statuses == [200] * FIRST_CALLS, f"the first calls got {Counter(statuses)}"


def bench_hanging(stacked: Stack) -> list[Comparison | Limit]:
    """Normal is when the other tenant's service answers. The breaker is off, so that the bulkhead alone is measured."""
    ours = outward(stacked, HUB_BREAKER_FAILURES="0")
    with ExitStack() as running:
        quick = running.enter_context(order_service(stacked))
        hanging = running.enter_context(order_service(stacked, delay_ms=60_000))
        for slug, oms in (("bench-quick", quick), ("bench-well", quick), ("bench-hanging", hanging)):
            onboard(ours, slug, oms)
        hub = running.enter_context(ours.web())
        read, well, stuck = (hub_request(ours, hub, f"bench-{name}") for name in ("quick", "well", "hanging"))
        neighbour(hub, read)
        pairs = []
        for _ in range(ROUNDS):
            with tills(hub, well, expected={200}):
                calm = neighbour(hub, read)
            with tills(hub, stuck, expected={503, 504}):
                pairs.append((calm, neighbour(hub, read)))
    return [_neighbours(pairs)]


def neighbour(port: int, request: bytes) -> Round:
    """Another tenant's reads: an even pace on each of several connections."""
    result = Round()

    def read() -> None:
        connection, began = Connection(port), time.perf_counter()
        for count in range(int(SECONDS * PER_SECOND)):
            time.sleep(max(0.0, began + count / PER_SECOND - time.perf_counter()))
            asked = time.perf_counter()
            result.refused += connection.ask(request) != 200
            result.latencies.append(time.perf_counter() - asked)
        connection.close()

    in_threads(NEIGHBOUR_CONNECTIONS, read)
    assert result.refused == 0, f"{result.refused} reads of the other tenant were refused"
    return result


def in_threads(number: int, work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextmanager
def tills(port: int, request: bytes, *, expected: set[int]) -> Iterator[None]:
    """Many tills of one tenant, each asking again and again."""
    over, statuses = threading.Event(), set()

    def ask() -> None:
        connection = Connection(port)
        while not over.is_set():
            statuses.add(connection.ask(request))
            over.wait(TILL_PAUSE_SECONDS)
        connection.close()

    asking = threading.Thread(target=in_threads, args=(TILLS, ask))
    asking.start()
    try:
        yield
    finally:
        over.set()
        asking.join()
    assert statuses <= expected, f"the tills got {sorted(statuses)}"


def _neighbours(pairs: list[tuple[Round, Round]]) -> Limit:
    calm, beside = (Round(latencies=[one for pair in pairs for one in pair[side].latencies]) for side in (0, 1))
    for pair in pairs:
        print("  proxied-hanging, p99 normal and beside:", *(f"{1000 * one.percentile(0.99):.1f} ms" for one in pair))
    ratios = [pair[1].percentile(0.99) / pair[0].percentile(0.99) for pair in pairs]
    return Limit(
        name="proxied-hanging p99",
        unit="times its normal",
        value=statistics.median(ratios),
        rounds=ratios,
        normal=f"{1000 * calm.percentile(0.99):.1f} ms, then {1000 * beside.percentile(0.99):.1f} ms",
        most=1.5,
        what=f"p99 of a tenant's reads when the service behind {TILLS} tills of another tenant hangs",
    )
