-- Protected machines, their standbys, and what is measured on them.

CREATE TABLE associations (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    gpu_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    workspace TEXT NOT NULL,
    image TEXT,
    spec TEXT NOT NULL,
    hooks TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN (
        'preparing', 'first_sync', 'following', 'paused', 'frozen',
        'failing_over', 'on_standby', 'degraded', 'deleting'
    )),
    reason TEXT,
    serving TEXT NOT NULL CHECK (serving IN ('gpu', 'standby', 'none')),
    want_running BIGINT NOT NULL CHECK (want_running IN (0, 1)),
    sync_enabled BIGINT NOT NULL CHECK (sync_enabled IN (0, 1)),
    epoch BIGINT NOT NULL,
    gpu_host TEXT,
    gpu_port BIGINT,
    gpu_host_key TEXT,
    sync TEXT NOT NULL,
    active_failover TEXT,
    created_at BIGINT NOT NULL,
    UNIQUE (user_id, gpu_id)
);

CREATE TABLE standbys (
    association_id TEXT PRIMARY KEY REFERENCES associations (id) ON DELETE CASCADE,
    intent_id TEXT NOT NULL,
    name TEXT NOT NULL,
    project TEXT NOT NULL,
    zone TEXT NOT NULL,
    machine_type TEXT NOT NULL,
    disk_gb BIGINT NOT NULL,
    spot BIGINT NOT NULL CHECK (spot IN (0, 1)),
    usd_per_hour BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN (
        'creating', 'booting', 'ready', 'preempted', 'stopped', 'failed', 'deleting'
    )),
    reason TEXT,
    host TEXT,
    port BIGINT,
    host_key TEXT,
    public_key TEXT,
    created_at BIGINT NOT NULL
);

-- Every GPU that an association has run on; the open row is the present one.
CREATE TABLE association_gpus (
    association_id TEXT NOT NULL REFERENCES associations (id) ON DELETE CASCADE,
    gpu_id BIGINT NOT NULL,
    since_at BIGINT NOT NULL,
    until_at BIGINT,
    PRIMARY KEY (association_id, gpu_id, since_at)
);
CREATE INDEX association_gpus_by_gpu ON association_gpus (gpu_id);

CREATE TABLE sync_cycles (
    id TEXT PRIMARY KEY,
    association_id TEXT NOT NULL REFERENCES associations (id) ON DELETE CASCADE,
    epoch BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('interval', 'change', 'manual', 'final')),
    outcome TEXT NOT NULL CHECK (outcome IN ('ok', 'failed', 'frozen')),
    files_total BIGINT,
    bytes_total BIGINT,
    files_sent BIGINT NOT NULL,
    bytes_sent BIGINT NOT NULL,
    files_deleted BIGINT NOT NULL,
    versions_path TEXT,
    error TEXT
);
CREATE INDEX sync_cycles_of_association ON sync_cycles (association_id, started_at);
CREATE INDEX sync_cycles_by_age ON sync_cycles (started_at);

CREATE TABLE verdicts (
    association_id TEXT NOT NULL REFERENCES associations (id) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    at BIGINT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN (
        'healthy', 'suspect', 'confirmed_lost', 'unknown', 'paused'
    )),
    cause TEXT CHECK (cause IN (
        'outbid', 'host_offline', 'instance_gone', 'crashed', 'silent', 'manual', 'drill'
    )),
    evidence TEXT NOT NULL,
    PRIMARY KEY (association_id, seq)
);
CREATE INDEX verdicts_by_age ON verdicts (at);

-- The last answer of a provider for each account.
CREATE TABLE provider_state (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('vast_instances', 'vast_balance', 'gcp_instances')),
    fetched_at BIGINT,
    complete BIGINT NOT NULL CHECK (complete IN (0, 1)),
    payload TEXT,
    tried_at BIGINT NOT NULL,
    error TEXT,
    PRIMARY KEY (user_id, kind)
);
