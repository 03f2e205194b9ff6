"""What a range's requests would have cost elsewhere: which ways there are, and what each costs."""
