-- How patient an account is with silence, and what was last heard of each GPU.

ALTER TABLE settings ADD COLUMN silence_s BIGINT NOT NULL DEFAULT 30;
ALTER TABLE settings ADD COLUMN keep_lost_min BIGINT NOT NULL DEFAULT 30;

-- Of which GPU, and when it last answered us. A process that takes over, or starts again, would
-- otherwise take a silent machine for one that was never reached, and judge it never.
ALTER TABLE associations ADD COLUMN heard_gpu BIGINT;
ALTER TABLE associations ADD COLUMN heard_at BIGINT;

-- What an instance held beyond the copy and was fetched before it went.
ALTER TABLE disposals ADD COLUMN saved TEXT;
