-- Consent that is remembered.
--
-- As before, one text for SQLite and PostgreSQL. Everything that is added has a default or may be
-- missing; what was begun or remembered before fits no later question, so people are asked.

-- What the client said of itself when the authorization began, as a hash, and whether the person is
-- asked whatever is remembered (prompt=consent).
ALTER TABLE OAUTH_TXN ADD COLUMN client_metadata_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE OAUTH_TXN ADD COLUMN always_ask BIGINT NOT NULL DEFAULT 0;

-- A browser's own authorizations of one client: was it refused a moment ago?
CREATE INDEX OAUTH_TXN_BROWSER ON OAUTH_TXN (browser_hash, client_id);

-- The organization for which the person allowed it.
ALTER TABLE OAUTH_CONSENT ADD COLUMN organization TEXT;
