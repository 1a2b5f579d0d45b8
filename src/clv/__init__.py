"""Customer lifetime value for every customer of a shop."""
