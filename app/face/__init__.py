"""The place where face recognition will go; not implemented yet."""
