-- A way back to a recovery point that a machine's user asked for: the newest of each machine.
CREATE TABLE returns (
    association_id TEXT PRIMARY KEY REFERENCES associations (id) ON DELETE CASCADE,
    epoch BIGINT NOT NULL,
    point BIGINT NOT NULL,
    point_at BIGINT,
    path TEXT NOT NULL,
    serving TEXT NOT NULL CHECK (serving IN ('gpu', 'standby')),
    asked_at BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('asked', 'done', 'failed')),
    before_point BIGINT,
    made_point BIGINT,
    change TEXT,
    tries BIGINT NOT NULL DEFAULT 0,
    problem TEXT,
    ended_at BIGINT
);

-- Two further kinds of notification: the list of kinds can only be changed by making the table anew.
CREATE TABLE notifications_anew (
    seq BIGINT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    fact TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN (
        'failover_started', 'on_standby', 'failover_complete', 'failover_failed', 'failover_waiting',
        'drill_passed', 'drill_failed', 'move_complete', 'move_failed', 'gpu_lost',
        'standby_degraded', 'standby_lost', 'standby_preempted', 'standby_stopped', 'standby_back',
        'sync_frozen', 'host_key_shared', 'credentials_refused', 'credit_low', 'gpu_silent', 'late_writes',
        'went_back', 'go_back_failed'
    )),
    failover_id TEXT,
    association_id TEXT,
    gpu_id BIGINT,
    machine_name TEXT,
    at BIGINT NOT NULL,
    read_at BIGINT,
    sandbox BIGINT NOT NULL CHECK (sandbox IN (0, 1)),
    figures TEXT NOT NULL,
    owner_name TEXT,
    UNIQUE (user_id, fact)
);
INSERT INTO notifications_anew (
    seq, user_id, fact, kind, failover_id, association_id, gpu_id, machine_name, at, read_at, sandbox,
    figures, owner_name
)
SELECT
    seq, user_id, fact, kind, failover_id, association_id, gpu_id, machine_name, at, read_at, sandbox,
    figures, owner_name
FROM notifications;
DROP TABLE notifications;
ALTER TABLE notifications_anew RENAME TO notifications;
CREATE INDEX notifications_of_user ON notifications (user_id, seq);
CREATE INDEX notifications_unread ON notifications (user_id, failover_id, read_at)
    WHERE read_at IS NULL;
CREATE INDEX notifications_by_age ON notifications (at);
CREATE INDEX notifications_shared ON notifications (owner_name, fact) WHERE owner_name IS NOT NULL;
