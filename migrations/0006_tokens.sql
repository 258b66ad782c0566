-- Clients that sign, machines, and access tokens that end alone.
--
-- As before, one text for SQLite and PostgreSQL. Everything that is added has a default or may be
-- missing, so the rows that are there stay good.

-- The public keys of a client that authenticates by private_key_jwt. Its auth_method says
-- client_secret_basic with a hash that no secret has: the constraints of the first table know no
-- better, and a program that does not know this column must never take it for a public client.
ALTER TABLE OAUTH_CLIENT ADD COLUMN assertion_keys TEXT;

-- What a machine has: a client that acts for itself is its own subject. It has one live grant for
-- each resource, whichever replica was asked first.
CREATE UNIQUE INDEX OAUTH_GRANT_MACHINE ON OAUTH_GRANT (client_id, resource)
    WHERE subject_id = client_id AND revoked_at IS NULL;
CREATE INDEX OAUTH_GRANT_MACHINE_STATUS ON OAUTH_GRANT (status_index)
    WHERE subject_id = client_id AND revoked_at IS NULL;

-- An access token that ended alone, for as long as it would have been good: its grant goes on. It is
-- told of beside the status list in which its grant has a bit.
CREATE TABLE OAUTH_REVOKED_TOKEN (
    token_id TEXT NOT NULL PRIMARY KEY,
    grant_id TEXT NOT NULL,
    status_list BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX OAUTH_REVOKED_TOKEN_GRANT ON OAUTH_REVOKED_TOKEN (grant_id);
CREATE INDEX OAUTH_REVOKED_TOKEN_LIST ON OAUTH_REVOKED_TOKEN (status_list);
CREATE INDEX OAUTH_REVOKED_TOKEN_EXPIRY ON OAUTH_REVOKED_TOKEN (expires_at);
