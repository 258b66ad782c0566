-- What an administrator switched off, whatever the configuration says of it.
--
-- As before, one text for SQLite and PostgreSQL.

-- A client by its id, an organization by its name, a provider by its id, a server by its resource.
CREATE TABLE OAUTH_DISABLED (
    kind TEXT NOT NULL CHECK (kind IN ('client', 'organization', 'provider', 'server')),
    name TEXT NOT NULL,
    disabled_at BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
);

-- Goes up with each row that comes or goes.
INSERT INTO OAUTH_SEQUENCE (name, value) VALUES ('disabled', 0);
