"""From a trained network to the numbers of a test case: windows, post-processing, metrics."""
