"""Pages of staff: logins, roles and signing in."""
