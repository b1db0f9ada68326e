//! Failure classes, backoff, retry, budgets, and connections that come back.
