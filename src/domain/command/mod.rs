//! Command lines: whether a shell is needed, and how they split into words.
