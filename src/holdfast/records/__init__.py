"""The durable truth: schema, SQL, transactions, on SQLite or PostgreSQL."""
