-- Deletions that were too many to be made unasked: exactly what would go, and what was said of it.
CREATE TABLE held_deletions (
    association_id TEXT PRIMARY KEY REFERENCES associations (id) ON DELETE CASCADE,
    epoch BIGINT NOT NULL,
    digest TEXT NOT NULL,
    files BIGINT NOT NULL,
    folders BIGINT NOT NULL,
    bytes BIGINT,
    listed TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    decision TEXT CHECK (decision IN ('accept', 'restore')),
    problem TEXT
);
