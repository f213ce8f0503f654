"""The legs of a run, resumable, and the students that learn from what the members find."""
