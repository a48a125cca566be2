-- One credential for each login, scopes, and who made which token.

-- Tokens that exist may do what they could: their scope is the widest, their end as it was.
ALTER TABLE api_tokens ADD COLUMN scope TEXT NOT NULL DEFAULT 'admin'
    CHECK (scope IN ('read', 'operate', 'admin'));
-- The login or token that it was made by; none: the command line, or made before this was noted.
ALTER TABLE api_tokens ADD COLUMN made_by TEXT;
-- Where a login came from.
ALTER TABLE api_tokens ADD COLUMN ip TEXT;
-- When its holder last proved to know the password.
ALTER TABLE api_tokens ADD COLUMN confirmed_at BIGINT;
