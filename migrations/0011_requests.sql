-- What clients ask for and may ask for again.

-- What was asked for at a rental and the provider does not keep in a form that is found again: a
-- replacement is made with the same.
CREATE TABLE rentals (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    gpu_id BIGINT NOT NULL,
    label TEXT,
    ports TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, gpu_id)
);

-- The answers to requests that buy, by the key that their sender gave them. A row without an answer
-- is a request that goes on, or one that a dying process left: either way it is never made again.
CREATE TABLE idempotency_keys (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    digest TEXT NOT NULL,
    status BIGINT,
    answer TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
