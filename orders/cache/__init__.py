"""The shared cache in Redis. Everything works without it, more slowly."""
