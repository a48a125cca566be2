-- GPUs that their user wants without a standby, even where new ones get one by themselves.

CREATE TABLE standby_exclusions (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    gpu_id BIGINT NOT NULL,
    PRIMARY KEY (user_id, gpu_id)
);
