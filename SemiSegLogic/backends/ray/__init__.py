"""Jobs on a Ray cluster that shares a disk with this computer."""
