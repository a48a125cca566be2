-- How often somebody may try to get in, browsers that are known to an account, and second factors.

-- One row for each count that is not at rest: until when what was tried is remembered.
CREATE TABLE attempts (
    bucket TEXT PRIMARY KEY,
    busy_until BIGINT NOT NULL
);
CREATE INDEX attempts_by_age ON attempts (busy_until);

-- A browser that an account has logged in with. The hash is a SHA-256 of its cookie's value.
CREATE TABLE browsers (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_hash TEXT NOT NULL,
    user_agent TEXT,
    ip TEXT,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    UNIQUE (token_hash, user_id)
);
CREATE INDEX browsers_of_user ON browsers (user_id);
CREATE INDEX browsers_by_expiry ON browsers (expires_at);

-- `secret` is sealed like a credential; without `active_since` it is being set up. `last_step` is the
-- step of the newest code that was taken: neither it nor an older one is taken again.
CREATE TABLE second_factors (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret TEXT NOT NULL,
    last_step BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    active_since BIGINT
);

-- Each opens once, in place of a code.
CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES second_factors (user_id) ON DELETE CASCADE,
    code_hash TEXT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (user_id, code_hash)
);
