-- What each user is told of what happened while nobody looked, and how far a running transfer is.

-- Its number is that of the doorbell that told of it. A fact is told once: a standing one (a low
-- credit, a standby that is down) keeps its word until it is over, and can then be told anew. Refers
-- to failovers and machines by value: it outlives both.
CREATE TABLE notifications (
    seq BIGINT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    fact TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN (
        'failover_started', 'on_standby', 'failover_complete', 'failover_failed', 'failover_waiting',
        'drill_passed', 'drill_failed', 'move_complete', 'move_failed', 'gpu_lost',
        'standby_degraded', 'standby_lost', 'standby_preempted', 'standby_stopped', 'standby_back',
        'sync_frozen', 'credentials_refused', 'credit_low'
    )),
    failover_id TEXT,
    association_id TEXT,
    gpu_id BIGINT,
    machine_name TEXT,
    at BIGINT NOT NULL,
    read_at BIGINT,
    sandbox BIGINT NOT NULL CHECK (sandbox IN (0, 1)),
    figures TEXT NOT NULL,
    UNIQUE (user_id, fact)
);
CREATE INDEX notifications_of_user ON notifications (user_id, seq);
CREATE INDEX notifications_unread ON notifications (user_id, failover_id) WHERE read_at IS NULL;
CREATE INDEX notifications_by_age ON notifications (at);

-- The first and the newest measurement of a transfer; null for steps that move nothing.
ALTER TABLE failover_steps ADD COLUMN progress TEXT;
