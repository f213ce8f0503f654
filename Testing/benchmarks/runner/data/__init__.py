"""What a run learns from: the volumes at a plan, the slices that are shown of them, and the papers' crops."""
