//! From TOML text to a checked inventory, every fault at once.
