-- What the deploys of an app usually do; the id is app@environment.
CREATE TABLE habit (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
