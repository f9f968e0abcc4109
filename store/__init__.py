"""PostgreSQL: migrations, SQL in files, and typed functions around them. No business rules."""
