"""From the broker to the log: receive, decode, batch, one transaction, COMMIT, then acknowledge."""
