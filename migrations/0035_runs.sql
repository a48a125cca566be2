-- When processes ran: what a machine did while none ran was seen by nobody.
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    began_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);
