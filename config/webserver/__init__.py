"""The web server: gunicorn, but none of its threads ever waits for a caller. Imports nothing of the hub."""
