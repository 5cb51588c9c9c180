"""Removing data: old history, expired rows, and erasing a customer."""
