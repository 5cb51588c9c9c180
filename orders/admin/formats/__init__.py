"""``settings.FORMAT_MODULE_PATH``: how the admin writes what nobody formatted."""
