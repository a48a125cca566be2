-- Passkeys: a second factor beside codes, or in their place.

-- `rp_id` is the name that one belongs to, `public_key` as its authenticator wrote it (COSE); both this and
-- `credential_id` in base64url. `counter` is what the authenticator said last; 0 where it does not count.
CREATE TABLE passkeys (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    rp_id TEXT NOT NULL,
    credential_id TEXT NOT NULL UNIQUE,
    public_key TEXT NOT NULL,
    counter BIGINT NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX passkeys_of_user ON passkeys (user_id);

-- What was given out to be signed: for one account, one session (by its handle) and one purpose, once. A newer
-- one takes the place of the one before.
CREATE TABLE passkey_challenges (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    holder TEXT NOT NULL,
    purpose TEXT NOT NULL,
    challenge_hash TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, holder, purpose)
);
CREATE INDEX passkey_challenges_by_expiry ON passkey_challenges (expires_at);

-- Recovery codes are the account's, whichever factor it has.
ALTER TABLE recovery_codes RENAME TO recovery_codes_of_apps;
CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash TEXT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (user_id, code_hash)
);
INSERT INTO recovery_codes (user_id, code_hash, used_at) SELECT user_id, code_hash, used_at FROM recovery_codes_of_apps;
DROP TABLE recovery_codes_of_apps;
