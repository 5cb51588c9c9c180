"""Order imports: what a warehouse must get, sending it, and what it holds."""
