"""The demo of `make up`: three simulated partners, demo tenants, and a scenario checked by the partners' reports."""
