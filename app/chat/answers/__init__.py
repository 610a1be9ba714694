"""The life of an answer: made, kept, followed, ended."""
