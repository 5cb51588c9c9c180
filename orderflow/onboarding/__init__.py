"""Setting up warehouses: onboarding file, guided step and self-test."""
