//! Runs plugins in spawner processes.
