-- What is open is little beside what is over: it is found without a walk through what is over.

DROP INDEX notifications_unread;
-- With what it is chosen by in it, so that counting reads the index alone.
CREATE INDEX notifications_unread ON notifications (user_id, failover_id, read_at)
    WHERE read_at IS NULL;
CREATE INDEX intents_live ON intents (user_id, created_at, id)
    WHERE state NOT IN ('refused', 'gone');
CREATE INDEX disposals_open ON disposals (user_id, requested_at, id)
    WHERE done_at IS NULL;
