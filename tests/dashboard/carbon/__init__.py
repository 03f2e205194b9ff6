"""Carbon, against hand calculations."""
