"""What answers cost here, beside nginx on the same cores: `make bench`."""
