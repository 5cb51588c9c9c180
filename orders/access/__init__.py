"""Who may do what: API clients and their keys, staff and their roles, secrets at rest."""
