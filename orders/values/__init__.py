"""Plain values: durations, instants, patterns, texts, problems. Imports nothing else of the project."""
