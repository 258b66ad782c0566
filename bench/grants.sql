-- Fills a database of Wicketgate with :rows grants, beside those that are there: 25 for a person, each
-- tenth by chance revoked. What decides about a status list is where in it the revoked ones are.
--
--   sqlite3 -bail -cmd 'PRAGMA temp_store = MEMORY' -cmd '.parameter set :rows 1000000' DATABASE <bench/grants.sql

-- Nobody needs the database if this does not come to its end.
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -1000000;

BEGIN;

CREATE TEMP TABLE RUN AS
SELECT CAST(strftime('%s', 'now') AS INTEGER) * 1000 AS now,
    (SELECT value FROM OAUTH_SEQUENCE WHERE name = 'next_status_index') AS first_status;

-- Grants are numbered from 0. Each was made within the last 80 days.
CREATE TEMP TABLE GRANTED AS
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :rows)
SELECT i, 'filled-' || (i / 25) AS subject_id, abs(random()) % 10 = 0 AS revoked,
    now - abs(random() % 6912000000) AS made_at
FROM n, RUN;

INSERT INTO OAUTH_SUBJECT
    (subject_id, provider, external_id, name, group_names, user_type, created_at, signed_in_at)
SELECT DISTINCT subject_id, 'bench', subject_id, 'Person ' || subject_id, '[]', 'basic', now, now
FROM GRANTED, RUN;

INSERT INTO OAUTH_GRANT
    (grant_id, subject_id, client_id, client_name, redirect_host, resource, scopes, status_index,
    authenticated_at, created_at, revoked_at, revocation_reason)
SELECT 'filled-' || i, subject_id, 'client-' || (i % 1000), 'bench', '127.0.0.1',
    'http://127.0.0.1/mcp', 'mcp:read', first_status + i, made_at, made_at,
    CASE WHEN revoked THEN now END, CASE WHEN revoked THEN 'client_request' END
FROM GRANTED, RUN;

UPDATE OAUTH_SEQUENCE SET value = value + :rows WHERE name = 'next_status_index';

COMMIT;
PRAGMA journal_mode = WAL;
