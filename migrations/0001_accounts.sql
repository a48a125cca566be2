-- Who may use this install, and what they have chosen.
-- For both databases: TEXT, BIGINT and DOUBLE PRECISION only; times are UTC unix milliseconds, money
-- is whole micro-dollars, truth is 0 or 1, structured values are JSON text.

-- One row. Its id is part of every name given at a provider; the row is also what is locked where a
-- decision needs all of the install to stand still.
CREATE TABLE install (
    singleton BIGINT PRIMARY KEY CHECK (singleton = 1),
    id TEXT NOT NULL
);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    username TEXT NOT NULL,
    username_key TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    locale TEXT,
    theme TEXT,
    created_at BIGINT NOT NULL
);

-- The id is a SHA-256 of the cookie's value: a stolen copy of this table opens no session.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    data TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    user_agent TEXT,
    ip TEXT
);
CREATE INDEX sessions_of_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE api_tokens (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('api', 'login')),
    token_hash TEXT NOT NULL UNIQUE,
    last4 TEXT NOT NULL,
    expires_at BIGINT,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX api_tokens_of_user ON api_tokens (user_id);

CREATE TABLE settings (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    auto_standby BIGINT NOT NULL CHECK (auto_standby IN (0, 1)),
    gcp_zone TEXT NOT NULL,
    gcp_machine_type TEXT NOT NULL,
    gcp_disk_gb BIGINT NOT NULL,
    gcp_spot BIGINT NOT NULL CHECK (gcp_spot IN (0, 1)),
    sync_interval_s BIGINT NOT NULL,
    auto_failover BIGINT NOT NULL CHECK (auto_failover IN (0, 1)),
    auto_recovery BIGINT NOT NULL CHECK (auto_recovery IN (0, 1)),
    gpu_class TEXT NOT NULL CHECK (gpu_class IN ('same', 'at_least')),
    max_usd_per_hour BIGINT,
    min_reliability DOUBLE PRECISION NOT NULL,
    countries TEXT NOT NULL,
    max_delete_percent BIGINT NOT NULL,
    saved_at BIGINT NOT NULL
);

-- `secret` is sealed (see crates/store/src/vault.rs); `hint` is what may be shown of it.
CREATE TABLE credentials (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('vast_api_key', 'gcp_service_account', 'ssh_key')),
    secret TEXT NOT NULL,
    hint TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('ok', 'refused', 'unchecked')),
    status_word TEXT,
    checked_at BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, kind)
);
