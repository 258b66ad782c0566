-- What holds back those who guess, flood, or answer for somebody else.
--
-- As before, one text for SQLite and PostgreSQL. Everything that is added has a default or may be
-- missing, so the rows that are there stay good.

-- A browser in which somebody signed in to a local account. Its failures are counted apart from
-- those of strangers, for a day from the first one.
CREATE TABLE OAUTH_DEVICE (
    device_hash TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES OAUTH_ACCOUNT (account_id),
    failed_attempts BIGINT NOT NULL,
    counted_since BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX OAUTH_DEVICE_ACCOUNT ON OAUTH_DEVICE (account_id, created_at);
CREATE INDEX OAUTH_DEVICE_EXPIRY ON OAUTH_DEVICE (expires_at);

-- Wrong one-time codes, whatever the browser, and when the last one was counted.
ALTER TABLE OAUTH_ACCOUNT ADD COLUMN code_failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE OAUTH_ACCOUNT ADD COLUMN code_failed_at BIGINT NOT NULL DEFAULT 0;

-- Goes up with each attempt at a user name that nobody has.
INSERT INTO OAUTH_SEQUENCE (name, value) VALUES ('unknown_names', 0);

-- The session that is asked for consent: the decision is its own. Missing before that.
ALTER TABLE OAUTH_TXN ADD COLUMN session_hash TEXT;
-- The person must have proved who they are at this moment or later (prompt=login, max_age).
ALTER TABLE OAUTH_TXN ADD COLUMN authenticated_after BIGINT NOT NULL DEFAULT 0;

-- Which network began it, as a keyed hash: so that one of them takes no room from all others.
ALTER TABLE OAUTH_TXN ADD COLUMN source TEXT NOT NULL DEFAULT '';
CREATE INDEX OAUTH_TXN_SOURCE ON OAUTH_TXN (source, expires_at);
ALTER TABLE OAUTH_UPSTREAM ADD COLUMN source TEXT NOT NULL DEFAULT '';
CREATE INDEX OAUTH_UPSTREAM_SOURCE ON OAUTH_UPSTREAM (source, expires_at);
ALTER TABLE OAUTH_CLIENT ADD COLUMN source TEXT NOT NULL DEFAULT '';
CREATE INDEX OAUTH_CLIENT_SOURCE
    ON OAUTH_CLIENT (source, unused_since) WHERE unused_since IS NOT NULL;

-- Events that anybody can cause without signing in. They are kept in bounded numbers.
CREATE INDEX OAUTH_AUDIT_ANONYMOUS ON OAUTH_AUDIT (kind, at) WHERE kind IN
    ('client.registered', 'authorization.started', 'upstream.started', 'upstream.rejected',
    'upstream.replayed', 'person.sign_in_failed', 'account.locked');
