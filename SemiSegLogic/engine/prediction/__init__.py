"""From a network to a whole volume on its own grid: windows, views, resampling."""
