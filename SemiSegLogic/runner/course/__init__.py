"""A training from its first leg to its last: its legs, how it begins, what a restart needs, what it tells."""
