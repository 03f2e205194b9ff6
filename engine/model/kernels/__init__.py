"""The compiled forward pass: C++ sources, their compilation and the weights in their layout."""
