"""What does each method bring, which of its parts brings it, and what does its step cost?

Every method from the same first mask, at equal steps and at equal time; then one part changed at a time. Published
benchmarks of the methods are protocols (``runner``); what is here are comparisons of our own.
"""
