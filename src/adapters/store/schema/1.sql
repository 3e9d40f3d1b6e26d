-- Times are milliseconds since 1970; bodies are JSON. Columns beside a body repeat only what is searched.

CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE status (
    object TEXT PRIMARY KEY,
    problem INTEGER,
    updated_at INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX status_problem ON status (problem) WHERE problem IS NOT NULL;

CREATE TABLE problem (
    id INTEGER PRIMARY KEY,
    object TEXT NOT NULL,
    closed_at INTEGER, -- of the last write with an end
    body TEXT NOT NULL
) STRICT;
CREATE INDEX problem_closed ON problem (closed_at);

CREATE TABLE hold (
    id INTEGER PRIMARY KEY,
    object TEXT NOT NULL,
    problem INTEGER NOT NULL,
    deploy TEXT NOT NULL,
    deadline INTEGER NOT NULL,
    ended_at INTEGER,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX hold_deploy ON hold (deploy, id);
CREATE INDEX hold_ended ON hold (ended_at);

CREATE TABLE deploy (
    id TEXT PRIMARY KEY,
    app TEXT NOT NULL,
    environment TEXT NOT NULL,
    phase TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended INTEGER NOT NULL, -- 0 or 1
    updated_at INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX deploy_ended ON deploy (ended, updated_at);

CREATE TABLE downtime (id INTEGER PRIMARY KEY, object TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE TABLE comment (id INTEGER PRIMARY KEY, object TEXT NOT NULL, body TEXT NOT NULL) STRICT;

-- AUTOINCREMENT: a late answer about a pruned row must never meet another row of the same id.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    dedup_key TEXT NOT NULL,
    contact TEXT NOT NULL,
    channel TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL,
    leased_until INTEGER,
    created_at INTEGER NOT NULL,
    settled_at INTEGER,
    delayed_reported INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    receipt TEXT,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_line ON outbox (contact, channel, dedup_key, id) WHERE state = 'pending';
CREATE INDEX outbox_place ON outbox (contact, channel, id) WHERE state = 'pending';
CREATE INDEX outbox_due ON outbox (next_at) WHERE state = 'pending';
CREATE INDEX outbox_leased ON outbox (leased_until) WHERE leased_until IS NOT NULL;
CREATE INDEX outbox_dedup ON outbox (dedup_key, id);
CREATE INDEX outbox_settled ON outbox (state, settled_at) WHERE state <> 'pending';

CREATE TABLE attempt (
    id INTEGER PRIMARY KEY,
    row INTEGER NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    result TEXT NOT NULL,
    text TEXT
) STRICT;
CREATE INDEX attempt_row ON attempt (row, id);

CREATE TABLE decision (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    object TEXT NOT NULL,
    what TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX decision_object ON decision (object, id);
CREATE INDEX decision_at ON decision (at);

CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    object TEXT,
    kind TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX event_object ON event (object, at) WHERE object IS NOT NULL;
CREATE INDEX event_at ON event (at);

-- Never pruned: each hash covers the row and the hash before it, the last one stands in meta as well.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

-- Rows that this program could not read, set aside instead of stopping the start.
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    source TEXT NOT NULL,
    row TEXT NOT NULL,
    body BLOB NOT NULL,
    why TEXT NOT NULL
) STRICT;
