"""From a volume to a batch: grey values, where they are kept, labels, and the patches that are cut from them."""
