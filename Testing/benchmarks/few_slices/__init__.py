"""What can be learned from a few drawn slices?

Outlines that are carried to neighbouring slices, in one training, over several, while learning goes on; a fresh network
that learns what a first one found in volumes nobody drew in; and which method to take where there are too few slices
to hold a contest.
"""
