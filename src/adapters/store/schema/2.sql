-- Deliveries of feeds that were taken, so that a copy is known also after a restart.
CREATE TABLE heard (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    delivery TEXT NOT NULL,
    digest TEXT NOT NULL,
    signed INTEGER NOT NULL,
    at INTEGER NOT NULL,
    UNIQUE (source, delivery)
) STRICT;
CREATE INDEX heard_at ON heard (at);

-- How far files that are read on and on were read.
CREATE TABLE tail (
    path TEXT PRIMARY KEY,
    inode INTEGER NOT NULL,
    offset INTEGER NOT NULL
) STRICT;
