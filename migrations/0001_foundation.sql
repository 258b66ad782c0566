-- The tables of the authorization server.
--
-- One text for SQLite and PostgreSQL: columns are TEXT and BIGINT only, moments are milliseconds
-- since the Unix epoch, flags are moments that may be missing. Secrets are here only as SHA-256
-- hashes or sealed. Every look-up and every sweep has an index.

-- Numbers that are handed out, and revisions that tell pollers that something changed.
CREATE TABLE OAUTH_SEQUENCE (
    name TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
-- The next free number in the status lists.
INSERT INTO OAUTH_SEQUENCE (name, value) VALUES ('next_status_index', 0);
-- Goes up with every revocation.
INSERT INTO OAUTH_SEQUENCE (name, value) VALUES ('revocations', 0);
-- Goes up with every change to the signing keys.
INSERT INTO OAUTH_SEQUENCE (name, value) VALUES ('signing_keys', 0);

-- Clients that registered themselves. Configured ones live in the configuration.
CREATE TABLE OAUTH_CLIENT (
    client_id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('configured', 'dynamic')),
    redirect_uris TEXT NOT NULL,
    auth_method TEXT NOT NULL
        CHECK (auth_method IN ('none', 'client_secret_post', 'client_secret_basic')),
    secret_hash TEXT,
    grant_types TEXT NOT NULL
        CHECK (grant_types IN ('authorization_code', 'authorization_code refresh_token')),
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- When it last asked for something without ever having got a grant; missing once it has one.
    unused_since BIGINT,
    CHECK ((auth_method = 'none') = (secret_hash IS NULL))
);
CREATE INDEX OAUTH_CLIENT_UNUSED ON OAUTH_CLIENT (unused_since) WHERE unused_since IS NOT NULL;

-- A person, known by the pair of provider and external id.
CREATE TABLE OAUTH_SUBJECT (
    subject_id TEXT NOT NULL PRIMARY KEY,
    provider TEXT NOT NULL,
    external_id TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    group_names TEXT NOT NULL,
    user_type TEXT NOT NULL
        CHECK (user_type IN ('basic', 'process_manager', 'administrator', 'workload')),
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    signed_in_at BIGINT NOT NULL,
    UNIQUE (provider, external_id)
);

-- A browser sign-in.
CREATE TABLE OAUTH_SESSION (
    session_hash TEXT NOT NULL PRIMARY KEY,
    subject_id TEXT NOT NULL REFERENCES OAUTH_SUBJECT (subject_id),
    authenticated_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX OAUTH_SESSION_SUBJECT ON OAUTH_SESSION (subject_id);
CREATE INDEX OAUTH_SESSION_EXPIRY ON OAUTH_SESSION (expires_at);

-- A local account; its password is stored as Argon2id.
CREATE TABLE OAUTH_ACCOUNT (
    account_id TEXT NOT NULL PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    group_names TEXT NOT NULL,
    failed_attempts BIGINT NOT NULL DEFAULT 0,
    locked_until BIGINT,
    password_changed_at BIGINT NOT NULL,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL
);

-- An authorization in progress.
CREATE TABLE OAUTH_TXN (
    handle_hash TEXT NOT NULL PRIMARY KEY,
    browser_hash TEXT NOT NULL,
    client_id TEXT NOT NULL,
    client_name TEXT NOT NULL,
    client_origin TEXT NOT NULL CHECK (client_origin IN ('configured', 'dynamic')),
    redirect_uri TEXT NOT NULL,
    state TEXT,
    scopes TEXT NOT NULL,
    resource TEXT NOT NULL,
    code_challenge TEXT NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN ('pending', 'resumed', 'approved', 'denied')),
    subject_id TEXT REFERENCES OAUTH_SUBJECT (subject_id),
    authenticated_at BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CHECK ((subject_id IS NULL) = (authenticated_at IS NULL)),
    CHECK (stage <> 'pending' OR subject_id IS NULL),
    CHECK (stage NOT IN ('resumed', 'approved') OR subject_id IS NOT NULL)
);
CREATE INDEX OAUTH_TXN_SUBJECT ON OAUTH_TXN (subject_id);
CREATE INDEX OAUTH_TXN_EXPIRY ON OAUTH_TXN (expires_at);

-- An authorization code. It names the grant that it was redeemed for without a foreign key: the
-- code is taken first, by compare-and-swap, and only its one winner makes the grant.
CREATE TABLE OAUTH_CODE (
    code_hash TEXT NOT NULL PRIMARY KEY,
    client_id TEXT NOT NULL,
    client_name TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    code_challenge TEXT NOT NULL,
    resource TEXT NOT NULL,
    scopes TEXT NOT NULL,
    subject_id TEXT NOT NULL REFERENCES OAUTH_SUBJECT (subject_id),
    authenticated_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    failed_redemptions BIGINT NOT NULL DEFAULT 0,
    redeemed_as TEXT UNIQUE
);
CREATE INDEX OAUTH_CODE_SUBJECT ON OAUTH_CODE (subject_id);
CREATE INDEX OAUTH_CODE_EXPIRY ON OAUTH_CODE (expires_at);

-- What one person granted one client on one resource.
CREATE TABLE OAUTH_GRANT (
    grant_id TEXT NOT NULL PRIMARY KEY,
    subject_id TEXT NOT NULL REFERENCES OAUTH_SUBJECT (subject_id),
    client_id TEXT NOT NULL,
    client_name TEXT NOT NULL,
    redirect_host TEXT NOT NULL,
    resource TEXT NOT NULL,
    scopes TEXT NOT NULL,
    status_index BIGINT NOT NULL UNIQUE,
    authenticated_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    revocation_reason TEXT,
    CHECK ((revoked_at IS NULL) = (revocation_reason IS NULL))
);
CREATE INDEX OAUTH_GRANT_SUBJECT ON OAUTH_GRANT (subject_id);
CREATE INDEX OAUTH_GRANT_CLIENT ON OAUTH_GRANT (client_id);
CREATE INDEX OAUTH_GRANT_REVOKED ON OAUTH_GRANT (status_index) WHERE revoked_at IS NOT NULL;

-- A refresh token. A rotation is the insertion of the successor: that a parent can have one
-- successor only is what decides every race, and what makes a family a line with one live end.
CREATE TABLE OAUTH_REFRESH_TOKEN (
    token_hash TEXT NOT NULL PRIMARY KEY,
    grant_id TEXT NOT NULL REFERENCES OAUTH_GRANT (grant_id),
    parent_hash TEXT UNIQUE,
    -- This token, sealed so that only somebody who presents the parent can open it.
    sealed_for_parent TEXT,
    -- How often the parent came again inside the window.
    reuses BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- Never before the parent's: a successor that went first would make its parent look unused.
    kept_until BIGINT NOT NULL,
    CHECK ((parent_hash IS NULL) = (sealed_for_parent IS NULL)),
    CHECK (kept_until >= expires_at)
);
CREATE UNIQUE INDEX OAUTH_REFRESH_TOKEN_FIRST
    ON OAUTH_REFRESH_TOKEN (grant_id) WHERE parent_hash IS NULL;
CREATE INDEX OAUTH_REFRESH_TOKEN_KEPT ON OAUTH_REFRESH_TOKEN (kept_until);

-- What a person allowed before; the redirect URI is without its port where that does not count.
CREATE TABLE OAUTH_CONSENT (
    subject_id TEXT NOT NULL REFERENCES OAUTH_SUBJECT (subject_id),
    client_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    resource TEXT NOT NULL,
    scopes TEXT NOT NULL,
    metadata_hash TEXT,
    consented_at BIGINT NOT NULL,
    PRIMARY KEY (subject_id, client_id, redirect_uri, resource)
);

-- A signing key; the private part is sealed under the key-encryption key.
CREATE TABLE OAUTH_SIGNING_KEY (
    kid TEXT NOT NULL PRIMARY KEY,
    alg TEXT NOT NULL,
    public_jwk TEXT NOT NULL,
    private_sealed TEXT NOT NULL,
    sealed_by TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('next', 'active', 'retiring', 'retired')),
    created_at BIGINT NOT NULL
);
-- However many replicas start at once, one key signs.
CREATE UNIQUE INDEX OAUTH_SIGNING_KEY_ACTIVE ON OAUTH_SIGNING_KEY (state) WHERE state = 'active';

-- A static key of a person or a service.
CREATE TABLE OAUTH_API_KEY (
    key_id TEXT NOT NULL PRIMARY KEY,
    key_hash TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    subject_id TEXT NOT NULL REFERENCES OAUTH_SUBJECT (subject_id),
    organization TEXT,
    resource TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX OAUTH_API_KEY_SUBJECT ON OAUTH_API_KEY (subject_id);

-- One-time ids that were used, for as long as somebody could send them again.
CREATE TABLE OAUTH_REPLAY (
    purpose TEXT NOT NULL,
    one_time_id TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (purpose, one_time_id)
);
CREATE INDEX OAUTH_REPLAY_EXPIRY ON OAUTH_REPLAY (expires_at);

-- What happened. Each row commits with the change that it records.
CREATE TABLE OAUTH_AUDIT (
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    client_id TEXT,
    subject_id TEXT,
    grant_id TEXT,
    detail TEXT NOT NULL
);
CREATE INDEX OAUTH_AUDIT_AT ON OAUTH_AUDIT (at);
