-- Who runs the install, links that let somebody in, and who acts for whom.

ALTER TABLE users ADD COLUMN role TEXT NOT NULL DEFAULT 'member'
    CHECK (role IN ('member', 'administrator'));
-- Whoever made the first account runs the install.
UPDATE users SET role = 'administrator'
    WHERE id = (SELECT id FROM users ORDER BY created_at, id LIMIT 1);

-- An invitation makes one account, a reset link replaces one password; each once. The hash is the
-- SHA-256 of the link's code. `made_by` is none for the command line. `user_id` is whose password is
-- replaced, or, once an invitation is used, the account that came of it.
CREATE TABLE access_links (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('invitation', 'password_reset')),
    code_hash TEXT NOT NULL UNIQUE,
    note TEXT,
    made_by TEXT REFERENCES users (id) ON DELETE CASCADE,
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX access_links_by_age ON access_links (created_at);
CREATE INDEX access_links_of_user ON access_links (user_id);

-- The name of the other account that acted, where it was not the account's own.
ALTER TABLE audit ADD COLUMN actor TEXT;
