-- The journal: failovers, their steps, and everything bought or given up on the way. It outlives
-- the machine that it tells of, so it refers to associations by value, not by key.

CREATE TABLE failovers (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    association_id TEXT NOT NULL,
    machine_name TEXT NOT NULL,
    gpu_id BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('real', 'drill', 'planned')),
    cause TEXT NOT NULL CHECK (cause IN (
        'outbid', 'host_offline', 'instance_gone', 'crashed', 'silent', 'manual', 'drill'
    )),
    note TEXT,
    options TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN (
        'running', 'waiting', 'cancelling', 'complete', 'failed', 'cancelled'
    )),
    from_epoch BIGINT NOT NULL,
    round BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    error TEXT,
    sandbox BIGINT NOT NULL CHECK (sandbox IN (0, 1)),
    steps_recorded BIGINT NOT NULL
);
CREATE INDEX failovers_of_user ON failovers (user_id, started_at);
CREATE UNIQUE INDEX failovers_one_active ON failovers (association_id)
    WHERE state IN ('running', 'waiting', 'cancelling');

CREATE TABLE failover_steps (
    failover_id TEXT NOT NULL REFERENCES failovers (id) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    name TEXT NOT NULL CHECK (name IN (
        'detect', 'final_sync', 'fence', 'takeover', 'rehearse', 'search', 'buy', 'boot',
        'restore', 'delta', 'verify', 'switch', 'retire', 'cleanup', 'abandon'
    )),
    round BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    outcome TEXT CHECK (outcome IN ('ok', 'retry', 'next_round', 'failed', 'interrupted')),
    retry_at BIGINT,
    provider_ms BIGINT NOT NULL,
    output TEXT NOT NULL,
    error TEXT,
    PRIMARY KEY (failover_id, seq)
);
CREATE UNIQUE INDEX failover_steps_one_running ON failover_steps (failover_id, name)
    WHERE outcome IS NULL;

CREATE TABLE intents (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    failover_id TEXT,
    association_id TEXT,
    provider TEXT NOT NULL CHECK (provider IN ('vast.ai', 'gcp')),
    epoch BIGINT NOT NULL,
    label TEXT NOT NULL UNIQUE,
    zone TEXT NOT NULL,
    offer BIGINT,
    machine_id BIGINT,
    usd_per_hour BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN (
        'open', 'bound', 'adopted', 'refused', 'tombstoned', 'discarded', 'gone'
    )),
    external_id TEXT,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    bound_at BIGINT,
    gone_at BIGINT,
    error TEXT
);
CREATE INDEX intents_of_user ON intents (user_id, state);
CREATE INDEX intents_of_failover ON intents (failover_id);
CREATE UNIQUE INDEX intents_one_per_instance ON intents (user_id, provider, zone, external_id)
    WHERE external_id IS NOT NULL;
-- Never two GPUs: a failover has one purchase under way or kept, whoever asks.
CREATE UNIQUE INDEX intents_one_gpu_per_failover ON intents (failover_id)
    WHERE provider = 'vast.ai' AND state IN ('open', 'bound', 'adopted');

CREATE TABLE disposals (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    provider TEXT NOT NULL CHECK (provider IN ('vast.ai', 'gcp')),
    external_id TEXT NOT NULL,
    zone TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('old_gpu', 'new_gpu', 'candidate', 'standby', 'rental')),
    failover_id TEXT,
    association_id TEXT,
    wish TEXT NOT NULL CHECK (wish IN ('stop', 'destroy')),
    requested_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    last_error TEXT,
    done_at BIGINT
);
CREATE INDEX disposals_due ON disposals (next_at) WHERE done_at IS NULL;
CREATE INDEX disposals_of_user ON disposals (user_id, requested_at);
CREATE INDEX disposals_of_failover ON disposals (failover_id);
-- One open wish per instance: asking again changes it instead of adding another.
CREATE UNIQUE INDEX disposals_one_open ON disposals (user_id, provider, zone, external_id)
    WHERE done_at IS NULL;
