"""The PostgreSQL and the broker that baycast starts itself."""
