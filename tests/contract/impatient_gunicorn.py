"""The hub's web server with bounds on slow callers that a test can wait for."""

from config.gunicorn import *  # noqa: F403
from config.webserver import bounds

bounds.HEAD_SECONDS = 2.0
bounds.BODY_SECONDS = 2.0
bounds.BODY_PACE = 1024
bounds.LEAVE_SECONDS = 0.5
bounds.ANSWER_HELD = 1024 * 1024
bounds.SLOW_AFTER = 0.2
bounds.SLOW_PER_ADDRESS = 8
bounds.DEADLINE_LOOK_SECONDS = 0.1
bounds.BYTES_HELD = 2 * 1024 * 1024
