-- In which project of Google Cloud a VM was asked for: another project that lacks it says nothing about it.
ALTER TABLE intents ADD COLUMN project TEXT;
-- What a replacement was asked for without, of how the lost machine was launched.
ALTER TABLE intents ADD COLUMN left_out TEXT;
