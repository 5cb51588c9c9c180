"""Pages that set up a tenant: guide, file, self-test and switches."""
