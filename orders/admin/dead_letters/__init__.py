"""Pages of dead letters: by cause, one by one, and bulk runs."""
