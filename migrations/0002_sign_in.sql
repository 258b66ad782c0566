-- Sign-in with company providers and local accounts, logout, and organizations.
--
-- As before, one text for SQLite and PostgreSQL. Everything that is added has a default or may be
-- missing, so the rows that are there stay good.

-- Whether a rule may rely on the e-mail address: 1 if somebody vouches for it.
ALTER TABLE OAUTH_SUBJECT ADD COLUMN email_verified BIGINT NOT NULL DEFAULT 0;
-- What the provider last said: a JSON array of text.
ALTER TABLE OAUTH_SUBJECT ADD COLUMN organizations TEXT NOT NULL DEFAULT '[]';
-- The claims that the operator's rules look at: a JSON object of arrays of text.
ALTER TABLE OAUTH_SUBJECT ADD COLUMN attributes TEXT NOT NULL DEFAULT '{}';
-- The organization that the person chose last, which need not be among them any more.
ALTER TABLE OAUTH_SUBJECT ADD COLUMN organization TEXT;
-- The provider's refresh token, sealed under the key-encryption key, if the provider is asked about
-- the person between sign-ins.
ALTER TABLE OAUTH_SUBJECT ADD COLUMN upstream_refresh_sealed TEXT;
-- When the provider was last asked, at a sign-in or since. Whoever moves it on may ask.
ALTER TABLE OAUTH_SUBJECT ADD COLUMN checked_at BIGINT NOT NULL DEFAULT 0;

-- The SHA-256 of the provider's own session id, by which the provider can end this one.
ALTER TABLE OAUTH_SESSION ADD COLUMN upstream_session TEXT;
-- What the provider wants to see at logout, sealed under the key-encryption key.
ALTER TABLE OAUTH_SESSION ADD COLUMN logout_hint_sealed TEXT;
CREATE INDEX OAUTH_SESSION_UPSTREAM
    ON OAUTH_SESSION (upstream_session) WHERE upstream_session IS NOT NULL;

-- For which organization the person acted; missing for people without one.
ALTER TABLE OAUTH_CODE ADD COLUMN organization TEXT;
ALTER TABLE OAUTH_GRANT ADD COLUMN organization TEXT;
ALTER TABLE OAUTH_AUDIT ADD COLUMN organization TEXT;

-- The secret of the one-time codes, sealed under the key-encryption key, if the account has them.
ALTER TABLE OAUTH_ACCOUNT ADD COLUMN totp_sealed TEXT;
-- The time step of the last code that was accepted: a code works once.
ALTER TABLE OAUTH_ACCOUNT ADD COLUMN totp_step BIGINT NOT NULL DEFAULT 0;

-- A person who is away at a provider. The row goes when the person comes back, so nobody comes
-- back twice. It names the authorization without a foreign key, because either may go first.
CREATE TABLE OAUTH_UPSTREAM (
    state_hash TEXT NOT NULL PRIMARY KEY,
    provider TEXT NOT NULL,
    browser_hash TEXT NOT NULL,
    -- The authorization that goes on afterwards; missing for the account page.
    handle_hash TEXT,
    -- What the answer is checked against, sealed under the key-encryption key.
    pending_sealed TEXT NOT NULL,
    -- An answer that came without the browser's cookie, sealed, until the browser fetches it.
    answer_sealed TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX OAUTH_UPSTREAM_EXPIRY ON OAUTH_UPSTREAM (expires_at);
