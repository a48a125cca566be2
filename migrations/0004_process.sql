-- What processes tell each other: doorbells for the pages, and who works on what.

-- `next` rises under its row's lock, so that the order of numbers is the order of commits and a
-- reader that has seen n has seen all before n.
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    next BIGINT NOT NULL
);
INSERT INTO counters (name, next) VALUES ('events', 1);

CREATE TABLE events (
    seq BIGINT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    ref_id TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX events_of_user ON events (user_id, seq);
CREATE INDEX events_by_age ON events (at);

CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    token BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
