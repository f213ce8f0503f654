"""Are the decisions that SemiSeg takes by itself right?

How coarse to see, how large single images are taken to be, how much of a scan is predicted at a time, which fragments
are left out, how often a rare structure is looked at, what a later round goes on from, and when two drawings are said
to contradict each other. Measured on cases of no test list, since their outcome chose the product's rules.
"""
