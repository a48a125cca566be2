-- Who did what, with what, from where, and what came of it.
CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    action TEXT NOT NULL,
    area TEXT NOT NULL,
    object TEXT,
    credential TEXT NOT NULL,
    credential_name TEXT,
    ip TEXT,
    user_agent TEXT,
    outcome TEXT NOT NULL CHECK (outcome IN ('done', 'refused')),
    code TEXT
);
CREATE INDEX audit_of_user ON audit (user_id, id);
CREATE INDEX audit_by_age ON audit (at);
