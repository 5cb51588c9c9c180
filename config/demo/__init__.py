"""What `make up` shows: three simulated partners, demo tenants, and a story told from what the other side reports."""
