"""How much of the personal data in labelled logs each engine finds: recall per type, precision, leaks, speed."""
