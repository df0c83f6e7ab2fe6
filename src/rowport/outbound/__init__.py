"""Ways out: HTTP to addresses that somebody else chose, held to public ones and to limits."""
