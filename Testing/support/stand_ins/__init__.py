"""What takes the place of something that no test has: a cluster, another window, Windows' disk, a large network."""
