"""The same server as the hub's, without what the hub starts in it."""

from config.gunicorn import *  # noqa: F403


def post_worker_init(worker: object) -> None:
    """Nothing."""
