"""Personal data: what it is, who may read it, and how it is masked in documents and free text."""
