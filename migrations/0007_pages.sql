-- What pages ask for, found without a walk through all of an account's rows.

-- Rises with each request of the user's own that may have changed something: what was drawn before
-- is not shown after it, by whichever process.
ALTER TABLE users ADD COLUMN changes BIGINT NOT NULL DEFAULT 0;

-- Reports and histories choose and order by these alone.
CREATE INDEX failovers_listed
    ON failovers (user_id, started_at, id, kind, cause, sandbox, association_id);
DROP INDEX failovers_of_user;
CREATE INDEX failovers_of_machine
    ON failovers (user_id, association_id, started_at, id, kind, cause, sandbox);
-- What goes on is on every page of failovers, and little beside what is over.
CREATE INDEX failovers_under_way ON failovers (user_id, started_at, id)
    WHERE state IN ('running', 'waiting', 'cancelling');
CREATE INDEX intents_of_association ON intents (association_id);
