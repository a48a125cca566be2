-- Who else may look at, or act on, machines of an account.

-- A grant is offered to a name and counts once the account behind it has accepted it. `grantee_id` is
-- none where no account had that name: its owner is not told so. `ended_by` says who took it back or
-- gave it up. Machines that are given by name are in `grant_machines`; one that is gone is gone from
-- there too, and never makes a grant reach further.
CREATE TABLE grants (
    id TEXT PRIMARY KEY,
    owner_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    named TEXT NOT NULL,
    grantee_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    level TEXT NOT NULL CHECK (level IN ('read', 'operate')),
    all_machines BIGINT NOT NULL CHECK (all_machines IN (0, 1)),
    created_at BIGINT NOT NULL,
    accept_by BIGINT NOT NULL,
    accepted_at BIGINT,
    expires_at BIGINT,
    ended_at BIGINT,
    ended_by TEXT CHECK (ended_by IN ('owner', 'grantee')),
    CHECK (grantee_id IS NULL OR grantee_id <> owner_id),
    CHECK (accepted_at IS NULL OR grantee_id IS NOT NULL)
);
CREATE INDEX grants_of_owner ON grants (owner_id, created_at);
CREATE INDEX grants_of_grantee ON grants (grantee_id);

CREATE TABLE grant_machines (
    grant_id TEXT NOT NULL REFERENCES grants (id) ON DELETE CASCADE,
    association_id TEXT NOT NULL REFERENCES associations (id) ON DELETE CASCADE,
    PRIMARY KEY (grant_id, association_id)
);
CREATE INDEX grant_machines_by_machine ON grant_machines (association_id);

-- The user name of whose machine it is, where it is another account's.
ALTER TABLE notifications ADD COLUMN owner_name TEXT;
CREATE INDEX notifications_shared ON notifications (owner_name, fact) WHERE owner_name IS NOT NULL;
