"""Face engines behind one Protocol (`base.py`)."""
