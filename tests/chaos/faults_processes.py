"""Faults of the hub's own processes: killed, asked to end, stopped, started anew, with another idea of the time."""

from __future__ import annotations

import itertools
import random
import signal
import time
from pathlib import Path

from tests.chaos.faults import Scene, Skipped, fault, meanwhile
from tests.chaos.hub import Surroundings
from tests.chaos.kept import START_SECONDS
from tests.processes import wait_until

HOUR_SECONDS = 3_600
LEASE_SECONDS = 15
"""orders.inbox.applying: a worker stopped for longer than this has lost what it held."""
STILL_SECONDS = 0.3
CATCHES_MOST = 40
CLOCK = str(Path(__file__).parent / "clock")


@fault("worker-kill")
def kill_workers(scene: Scene) -> None:
    """Every second SIGKILL to a worker's process that computes, to the one that hands out work, or to both."""
    chance = random.Random(1)

    def kill() -> None:
        worker = chance.choice(scene.hub.workers)
        ways = (worker.kill_child, worker.kill_parent, worker.kill_both)
        chance.choice(ways if scene.hub.all_ready else ways[:1])()

    scene.every(1.0, kill)


@fault("worker-term")
def end_workers(scene: Scene) -> None:
    """SIGTERM to one worker after the other; each finishes its batch, ends, and is back at work before the next."""
    turns = itertools.cycle(scene.hub.workers)

    def end_one() -> None:
        next(turns).renew()
        scene.until_all_ready()

    scene.every(0.0, end_one)


@fault("worker-stop", seconds=LEASE_SECONDS + 6)
def stop_a_worker(scene: Scene) -> None:
    """SIGSTOP to a whole worker in the middle of a transaction, for longer than its lease; then SIGCONT."""
    worker = scene.hub.workers[0]
    try:
        for _ in range(CATCHES_MOST):
            worker.signal_all(signal.SIGSTOP)
            time.sleep(STILL_SECONDS)
            if _held_transactions(scene):
                break
            worker.signal_all(signal.SIGCONT)
            time.sleep(random.uniform(0.01, 0.1))
        worker.signal_all(signal.SIGSTOP)
        scene.lasts()
    finally:
        worker.signal_all(signal.SIGCONT)


def _held_transactions(scene: Scene) -> int:
    """Transactions whose client has been silent for as long as the worker has been stopped."""
    sql = """SELECT count(*) FROM pg_stat_activity WHERE application_name = 'orderhub'
             AND state = 'idle in transaction' AND clock_timestamp() - state_change > interval '0.2 s'"""
    with scene.connect() as connection:
        return int(connection.execute(sql).fetchone()[0])


@fault("web-kill")
def kill_the_web_server(scene: Scene) -> None:
    """SIGKILL to the web server with all its processes, again as soon as it serves; there is no other one."""

    def kill() -> None:
        scene.until_served()
        time.sleep(1.0)
        scene.hub.web.kill_both()

    scene.every(1.0, kill)


@fault("two-schedulers")
def kill_a_scheduler(scene: Scene) -> None:
    """Two schedulers and no wakes, as Redis is emptied five times a second; one is killed every four and comes back."""
    with meanwhile(scene.empty_redis, every=0.2):
        scene.every(4.0, scene.hub.schedulers[0].kill_both)


@fault(
    "clock-an-hour-off",
    surroundings=Surroundings(
        web={"PYTHONPATH": CLOCK, "CHAOS_CLOCK_OFF": str(HOUR_SECONDS)},
        workers=(
            {"PYTHONPATH": CLOCK, "CHAOS_CLOCK_OFF": str(HOUR_SECONDS)},
            {"PYTHONPATH": CLOCK, "CHAOS_CLOCK_OFF": str(-HOUR_SECONDS)},
        ),
        schedulers=({"PYTHONPATH": CLOCK, "CHAOS_CLOCK_OFF": str(-HOUR_SECONDS)}, {}),
    ),
)
def put_clocks_wrong(scene: Scene) -> None:
    """Web and one worker live an hour ahead, the other worker and a scheduler an hour behind; a worker is killed."""
    try:
        import time_machine  # noqa: F401  # the processes need it
    except ImportError:
        raise Skipped("the package time-machine is not installed") from None
    scene.every(4.0, scene.hub.workers[0].kill_child)


@fault("rolling-restart", refuses=False)
def restart_one_after_another(scene: Scene) -> None:
    """HUP to the web server, SIGTERM to each worker and scheduler, one after another; no PUT may be refused."""
    hub = scene.hub
    before = {child.pid for child in hub.web.children}
    hub.web.signal(signal.SIGHUP)
    wait_until(lambda: not before & {child.pid for child in hub.web.children}, seconds=START_SECONDS)
    for kept in [*hub.workers, *hub.schedulers]:
        kept.renew()
        wait_until(lambda kept=kept: kept in hub.schedulers or kept.settled, seconds=START_SECONDS)
