-- Which known instances the provider no longer has, beside the list that says so: whichever process works on
-- a machine reads both.
ALTER TABLE provider_state ADD COLUMN gone TEXT;
