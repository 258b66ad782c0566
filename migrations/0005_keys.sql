-- The life of signing keys: published, signing, published only, gone.
--
-- As before, one text for SQLite and PostgreSQL.

-- When the key came into the state that it is in.
ALTER TABLE OAUTH_SIGNING_KEY ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0;
UPDATE OAUTH_SIGNING_KEY SET changed_at = created_at;

-- However many replicas rotate at once, one key comes next.
CREATE UNIQUE INDEX OAUTH_SIGNING_KEY_NEXT ON OAUTH_SIGNING_KEY (state) WHERE state = 'next';
