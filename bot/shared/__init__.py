"""What servers without a common disk share through PostgreSQL: snapshots, and the vectors that are searched."""
