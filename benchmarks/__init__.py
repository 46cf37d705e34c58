"""Speed, growth and memory of the compiler, measured against the cost of merely reading and parsing the same bytes."""
