"""The Engine page's figures and words, against hand calculations."""
