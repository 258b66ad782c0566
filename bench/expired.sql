-- Lets a tenth of the rows of rows.sql expire: the families that are expired there can go now. The
-- moment at which a row can go is its number, in the order in which the clean-up takes them; so the
-- smallest of the moments that are left tells how many rows are gone.
--
--   sqlite3 -bail -cmd 'PRAGMA temp_store = MEMORY' DATABASE <bench/expired.sql

-- Nobody needs the database if this does not come to its end.
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -1000000;

BEGIN;

CREATE TEMP TABLE EXPIRED (number INTEGER PRIMARY KEY, token_hash TEXT NOT NULL);
INSERT INTO EXPIRED (token_hash)
SELECT token_hash FROM OAUTH_REFRESH_TOKEN WHERE grant_id GLOB 'filled-*0'
ORDER BY kept_until, created_at;

UPDATE OAUTH_REFRESH_TOKEN SET expires_at = e.number, kept_until = e.number
FROM EXPIRED e WHERE e.token_hash = OAUTH_REFRESH_TOKEN.token_hash;

COMMIT;
PRAGMA journal_mode = WAL;
