-- Records that can be joined and read in order.
--
-- As before, one text for SQLite and PostgreSQL. Everything that is added has a default or may be
-- missing, so the rows that are there stay good, and a program that does not know it can still write.

-- The order of records of one moment. It goes up within a process; two replicas may give the same
-- number, so that none has to wait for another. 0 in rows from before.
ALTER TABLE OAUTH_AUDIT ADD COLUMN id BIGINT NOT NULL DEFAULT 0;
-- The authorization that it belongs to: the beginning of the hash of its handle, never the handle.
ALTER TABLE OAUTH_AUDIT ADD COLUMN txn_id TEXT;
-- The access token that was issued or revoked, by its jti.
ALTER TABLE OAUTH_AUDIT ADD COLUMN token_id TEXT;
-- Who did it, where the kind does not say so alone.
ALTER TABLE OAUTH_AUDIT ADD COLUMN actor TEXT;
ALTER TABLE OAUTH_AUDIT ADD COLUMN resource TEXT;

-- The authorization that a code comes of, as in the record.
ALTER TABLE OAUTH_CODE ADD COLUMN txn_id TEXT;

-- Reading goes by moment and order, and so does removing what is old.
DROP INDEX OAUTH_AUDIT_AT;
CREATE INDEX OAUTH_AUDIT_ORDER ON OAUTH_AUDIT (at, id);

-- Four more kinds that anybody can cause without signing in. They are kept in bounded numbers.
DROP INDEX OAUTH_AUDIT_ANONYMOUS;
CREATE INDEX OAUTH_AUDIT_ANONYMOUS ON OAUTH_AUDIT (kind, at) WHERE kind IN
    ('client.registered', 'authorization.started', 'upstream.started', 'upstream.rejected',
    'upstream.replayed', 'person.sign_in_failed', 'account.locked', 'client.document_read',
    'client.document_refused', 'limit.reached', 'clients.forgotten');
