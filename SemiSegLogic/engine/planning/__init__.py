"""What to train at: facts about the cases in, a plan out."""
