"""The HTTP API: addresses, tokens, problems, and the customer-order endpoints."""
