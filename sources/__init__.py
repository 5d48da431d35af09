"""The world in: fetching, and one module for each kind of source."""
