"""The ledger: everything Rowport knows, in PostgreSQL."""
