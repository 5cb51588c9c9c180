"""Is it well: what needs a person, whether the work moves."""
