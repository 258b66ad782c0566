-- Fills a database of Wicketgate with :rows refresh tokens, as years of use leave them, beside those
-- that are there: families of 25 rotations, 25 families for a person, a tenth of them expired. Those
-- are still kept, as they are after their lifetime was shortened, so that no sweep is measured.
-- Hashes are as long as a SHA-256 in base64url.
--
--   sqlite3 -bail -cmd 'PRAGMA temp_store = MEMORY' -cmd '.parameter set :rows 5000000' DATABASE <bench/rows.sql

-- Nobody needs the database if this does not come to its end.
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -1000000;

BEGIN;

CREATE TEMP TABLE RUN AS
SELECT CAST(strftime('%s', 'now') AS INTEGER) * 1000 AS now,
    (SELECT value FROM OAUTH_SEQUENCE WHERE name = 'next_status_index') AS first_status;

-- Families are numbered from 0.
CREATE TEMP TABLE FAMILY AS
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < (:rows + 24) / 25)
SELECT i AS family,
    'filled-' || i AS grant_id,
    'filled-' || (i / 25) AS subject_id,
    -- The last rotation: within the last 80 days, or before the last 90.
    now - CASE WHEN i % 10 = 0 THEN 7776000000 ELSE 0 END - abs(random() % 6912000000) AS last_at
FROM n, RUN;

INSERT INTO OAUTH_SUBJECT
    (subject_id, provider, external_id, name, group_names, user_type, created_at, signed_in_at)
SELECT DISTINCT subject_id, 'bench', subject_id, 'Person ' || subject_id, '[]', 'basic', now, now
FROM FAMILY, RUN;

INSERT INTO OAUTH_GRANT
    (grant_id, subject_id, client_id, client_name, redirect_host, resource, scopes, status_index,
    authenticated_at, created_at)
SELECT grant_id, subject_id, 'client-' || (family % 1000), 'bench', '127.0.0.1',
    'http://127.0.0.1/mcp', 'mcp:read', first_status + family, last_at - 90000000,
    last_at - 90000000
FROM FAMILY, RUN;

UPDATE OAUTH_SEQUENCE SET value = value + (SELECT count(*) FROM FAMILY)
WHERE name = 'next_status_index';

-- Rotation number i of all, the 25 of a family one after the other, an hour apart.
CREATE TEMP TABLE TOKEN AS
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :rows)
SELECT i, substr(lower(hex(randomblob(22))), 1, 43) AS hash FROM n;

-- By hash, so that the largest index grows at its end.
INSERT INTO OAUTH_REFRESH_TOKEN
    (token_hash, grant_id, parent_hash, sealed_for_parent, created_at, expires_at, kept_until)
SELECT t.hash, f.grant_id, p.hash,
    CASE WHEN p.hash IS NULL THEN NULL ELSE lower(hex(randomblob(52))) END,
    f.last_at - (24 - t.i % 25) * 3600000,
    f.last_at - (24 - t.i % 25) * 3600000 + 7776000000,
    f.last_at + 2 * 7776000000
FROM TOKEN t
JOIN FAMILY f ON f.rowid = t.i / 25 + 1
LEFT JOIN TOKEN p ON p.rowid = t.i AND t.i % 25 > 0
ORDER BY t.hash;

COMMIT;
PRAGMA journal_mode = WAL;
