"""Webhooks of suppliers: what is notified, sent and recorded."""
