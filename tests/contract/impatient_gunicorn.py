"""The hub's web server with a bound on slow requests that a test can wait for."""

from config.gunicorn import *  # noqa: F403
from config.gunicorn import PatientWorker

PatientWorker.slowest_request = 2.0
