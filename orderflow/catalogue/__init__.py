"""Products: over the API, as spreadsheets, and as product imports."""
