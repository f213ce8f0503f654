"""Jobs on this computer: their processes, and the line in which they wait for each other."""
