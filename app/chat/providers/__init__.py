"""Model providers behind one Protocol (`base.py`)."""
