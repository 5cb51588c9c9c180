"""Removal of data: old history, expired rows, and the erasure of a customer."""
