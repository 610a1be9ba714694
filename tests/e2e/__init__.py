"""Browser tests: the whole application, from a real page to a scripted model and back."""
