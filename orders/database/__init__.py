"""The database: its clock, bulk SQL, ids, commit order, indexes and lock errors."""
