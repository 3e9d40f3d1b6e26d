//! Keeps state, history and the outbox in SQLite.
