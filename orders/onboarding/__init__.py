"""The onboarding file: tenants and all that belongs to them, as one YAML file (docs/reference/onboarding-file.md).

    text -> yaml_text.read (values and lines) -> model.check (all faults at once) -> apply (one transaction) -> Report

The core has the tenant's own keys and ``api_clients``; every other key is a *section* of an integration
(``Integration.onboarding_sections``), so a new kind of destination adds its key without a change here.
"""
