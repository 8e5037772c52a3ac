"""The history checker: many clients at work on one hub at once, all that they were told, and whether it can be true."""
