"""A sign as it should be built: it believes whole, newer frames for their ttl, by its own monotonic clock."""
