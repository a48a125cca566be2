-- How much is bought without a person's word, what is bought again in a lost machine's place, and what a
-- rental that was cut off was to become.

ALTER TABLE settings ADD COLUMN max_gpus_per_failover BIGINT NOT NULL DEFAULT 5;
ALTER TABLE settings ADD COLUMN max_usd_per_failover BIGINT NOT NULL DEFAULT 50000000;
ALTER TABLE settings ADD COLUMN max_gpus_per_day BIGINT NOT NULL DEFAULT 100;
ALTER TABLE settings ADD COLUMN max_usd_per_day BIGINT NOT NULL DEFAULT 300000000;

-- Up to how many purchases a person has agreed to, whatever the limits say.
ALTER TABLE failovers ADD COLUMN agreed_purchases BIGINT NOT NULL DEFAULT 0;

CREATE INDEX intents_of_failovers_by_age ON intents (user_id, created_at)
    WHERE failover_id IS NOT NULL;
-- Nobody buys an offer while another purchase of it is under way.
CREATE INDEX intents_by_offer ON intents (user_id, offer) WHERE state IN ('open', 'bound');

-- Physical machines that failed an account: avoided for a while.
CREATE TABLE failed_machines (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    machine_id BIGINT NOT NULL,
    failed_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, machine_id)
);

-- How the container of a machine was launched, sealed: its environment has its user's secrets.
CREATE TABLE launches (
    association_id TEXT PRIMARY KEY REFERENCES associations (id) ON DELETE CASCADE,
    sealed TEXT NOT NULL,
    read_at BIGINT NOT NULL
);

-- What a rental by hand was to become once it is bought.
ALTER TABLE intents ADD COLUMN rental TEXT;
