"""Empty: gunicorn's master imports config.webserver and must not keep the hub's code over a reload."""
