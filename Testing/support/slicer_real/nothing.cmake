# Other extensions find this one through it; nobody does here.
