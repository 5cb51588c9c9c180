"""A whole move of a tenant from proxy to events over real sockets, with a system of its own that never stands still."""
