"""HTTP below the API: raw paths, bodies, correlation ids, and which address answers in which mode."""
