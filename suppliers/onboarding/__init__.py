"""Setting up suppliers: onboarding file, guided step, admin and self-test."""
