"""What several benchmarks share: data sets, trials of a number of steps, real studies, and their rows on disk."""
