-- With which login or token a grant was given: it ends with a new password unless that one stays. One that
-- was given before this was noted ends with the next new password.
ALTER TABLE grants ADD COLUMN given_by TEXT;

-- What other accounts did, by whom.
CREATE INDEX audit_of_actor ON audit (user_id, actor, action) WHERE actor IS NOT NULL;
