"""The loop: steps as written or recorded, faults undone, states saved, networks compiled."""
