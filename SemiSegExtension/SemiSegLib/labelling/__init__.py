"""What a person draws: noticed, saved at once, judged slice by slice, imported; never lost."""
