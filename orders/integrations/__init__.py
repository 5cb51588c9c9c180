"""The seam between the core and its integrations: the types that both sides share."""
