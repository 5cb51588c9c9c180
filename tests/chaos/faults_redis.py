"""Faults of Redis, which only hurries: killed, restarted, emptied, away, slow."""

from __future__ import annotations

from tests.chaos.faults import Scene, fault


@fault("redis-kill")
def kill_redis(scene: Scene) -> None:
    """SIGKILL to Redis; started again, empty, as the fault ends."""
    scene.stack.servers.redis.kill()
    scene.lasts()
    scene.stack.servers.redis.start()


@fault("redis-restart")
def restart_redis(scene: Scene) -> None:
    """Redis restarted every three seconds; it keeps nothing."""
    scene.every(3.0, scene.stack.servers.redis.restart)


@fault("redis-flushall")
def empty_redis(scene: Scene) -> None:
    """FLUSHALL ten times a second."""
    scene.every(0.1, scene.empty_redis)


@fault("redis-away-a-minute", seconds=60)
def take_redis_away(scene: Scene) -> None:
    """Redis away for a minute."""
    kill_redis(scene)


@fault("redis-2-ms", redis_relayed=True)
def put_redis_2_ms_away(scene: Scene) -> None:
    """Redis 2 ms away: 1 ms in either direction."""
    _away(scene, 0.001)


@fault("redis-200-ms", redis_relayed=True)
def put_redis_200_ms_away(scene: Scene) -> None:
    """Redis 200 ms away: 100 ms in either direction."""
    _away(scene, 0.1)


def _away(scene: Scene, delay: float) -> None:
    scene.redis_relay.delay = delay
    scene.lasts()
    scene.redis_relay.delay = 0.0
