"""Setting up the proxy: onboarding file, guided step and self-test."""
