"""Figures that move by themselves: computed once, sent to every open page as an event stream."""
