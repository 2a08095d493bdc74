"""Runs every suite, whatever it is written in, and adds the results up to one line of totals."""
