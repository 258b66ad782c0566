//! The schema: migrating, and what the tables are made of.

use kernel::Hashed;
use kernel::encoding::sha256_base64url;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection as _, Executor as _, Row as _, SqlSafeStr as _};
use store::{Migrated, SchemaState, Store, StoreError, StoreOptions};

use crate::support::database::{Kind, empty, remove};
use crate::support::{NOW, on_each_database};

const NEWEST: i64 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn t_sto_10_migrating_twice_changes_nothing() {
    on_each_database(async |db| {
        let again = db.store.migrate().await.unwrap();
        assert_eq!(again, Migrated { from: NEWEST, to: NEWEST });
        assert_eq!(db.store.schema().await.unwrap(), SchemaState::Current { version: NEWEST });
        db.store.require_current_schema().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t_sto_10_nodes_that_migrate_at_once_wait_for_each_other() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let (url, _directory) = empty(kind).await;
        let mut nodes = Vec::new();
        for _ in 0..8 {
            nodes.push(Store::open(StoreOptions::new(&url)).await.unwrap());
        }
        let before = nodes[0].schema().await.unwrap();
        assert_eq!(before, SchemaState::Behind { found: 0, newest: NEWEST });
        assert!(matches!(before.require_current(), Err(StoreError::NotMigrated)));
        let migrations: Vec<_> = nodes
            .iter()
            .map(|node| {
                let node = node.clone();
                tokio::spawn(async move { node.migrate().await })
            })
            .collect();
        for migration in migrations {
            assert_eq!(migration.await.unwrap().unwrap().to, NEWEST);
        }
        for node in nodes {
            node.close().await;
        }
        remove(kind, &url).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t_sto_10_an_older_program_refuses_a_newer_schema() {
    on_each_database(async |db| {
        db.meddle(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, \
             execution_time) SELECT 999, description, success, checksum, execution_time \
             FROM _sqlx_migrations WHERE version = 1",
        )
        .await;
        let error = db.store.migrate().await.unwrap_err();
        let too_new = matches!(error, StoreError::SchemaTooNew { found: 999, newest: NEWEST });
        assert!(too_new, "{error}");
        let error = db.store.require_current_schema().await.unwrap_err();
        assert!(matches!(error, StoreError::SchemaTooNew { .. }), "{error}");
    })
    .await;
}

/// T-STO-10: a step that fails half-way leaves nothing behind, and succeeds when the cause is gone.
#[tokio::test(flavor = "multi_thread")]
async fn t_sto_10_an_interrupted_migration_leaves_nothing() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let (url, _directory) = empty(kind).await;
        let store = Store::open(StoreOptions::new(&url)).await.unwrap();
        let mut raw = sqlx::AnyConnection::connect(&url).await.unwrap();
        raw.execute("CREATE TABLE OAUTH_REPLAY (in_the_way TEXT)").await.unwrap();
        store.migrate().await.unwrap_err();
        assert!(raw.execute("SELECT * FROM OAUTH_CLIENT").await.is_err(), "nothing is left");
        raw.execute("DROP TABLE OAUTH_REPLAY").await.unwrap();
        assert_eq!(store.migrate().await.unwrap(), Migrated { from: 0, to: NEWEST });
        raw.close().await.unwrap();
        store.close().await;
        remove(kind, &url).await;
    }
}

/// The text of the first step as it was released. A database that has it would refuse any other.
const FIRST_STEP: &str = include_str!("../../../../migrations/0001_foundation.sql");

fn first_version() -> Migrator {
    let name = "foundation".into();
    let sql = FIRST_STEP.into_sql_str();
    Migrator::with_migrations(vec![Migration::new(1, name, MigrationType::Simple, sql, false)])
}

const ROWS_OF_THE_FIRST_VERSION: [&str; 9] = [
    "INSERT INTO OAUTH_SUBJECT (subject_id, provider, external_id, name, email, group_names, \
     user_type, created_at, signed_in_at) \
     VALUES ('usr_1', 'demo', 'ada', 'Ada', 'ada@example.com', '[\"staff\"]', 'basic', 1, 1)",
    "INSERT INTO OAUTH_SESSION (session_hash, subject_id, authenticated_at, expires_at) \
     VALUES ('session-hash', 'usr_1', 1, 9000000000000)",
    "INSERT INTO OAUTH_CODE (code_hash, client_id, client_name, redirect_uri, code_challenge, \
     resource, scopes, subject_id, authenticated_at, created_at, expires_at, redeemed_as) \
     VALUES ('code-hash', 'cli_1', 'Inspector', 'http://127.0.0.1/cb', 'x', \
     'https://mcp.example.com/mcp', 'mcp:read', 'usr_1', 1, 1, 2, 'grt_1')",
    "INSERT INTO OAUTH_GRANT (grant_id, subject_id, client_id, client_name, redirect_host, \
     resource, scopes, status_index, authenticated_at, created_at) \
     VALUES ('grt_1', 'usr_1', 'cli_1', 'Inspector', '127.0.0.1', \
     'https://mcp.example.com/mcp', 'mcp:read', 0, 1, 1)",
    "INSERT INTO OAUTH_REFRESH_TOKEN (token_hash, grant_id, created_at, expires_at, kept_until) \
     VALUES ('refresh-hash', 'grt_1', 1, 9000000000000, 9000000000000)",
    "INSERT INTO OAUTH_ACCOUNT (account_id, username, password_hash, name, group_names, \
     password_changed_at, created_at) VALUES ('acc_1', 'ada', 'x', 'Ada', '[]', 1, 1)",
    "INSERT INTO OAUTH_CLIENT (client_id, name, origin, redirect_uris, auth_method, grant_types, \
     scopes, created_at, unused_since) VALUES ('cli_1', 'Inspector', 'dynamic', \
     '[\"http://127.0.0.1/cb\"]', 'none', 'authorization_code', 'mcp:read', 1, 1)",
    "INSERT INTO OAUTH_TXN (handle_hash, browser_hash, client_id, client_name, client_origin, \
     redirect_uri, scopes, resource, code_challenge, stage, subject_id, authenticated_at, \
     created_at, expires_at) VALUES ('handle-hash', 'b', 'cli_1', 'Inspector', 'dynamic', \
     'http://127.0.0.1/cb', 'mcp:read', 'https://mcp.example.com/mcp', 'x', 'resumed', 'usr_1', \
     1, 1, 9000000000000)",
    "INSERT INTO OAUTH_AUDIT (at, kind, detail) VALUES (1, 'code.redeemed', 'mcp:read')",
];

/// T-STO-10: a step that was released never changes.
#[test]
fn t_sto_10_the_first_step_is_as_it_was_released() {
    assert_eq!(
        sha256_base64url(FIRST_STEP.as_bytes()),
        "za9WqDj9zgK3nqPx_7YQJWqjjhAnO2zaYcRuDVfs1x0"
    );
}

#[test]
fn t_sto_10_the_second_step_is_as_it_was_released() {
    let text = include_str!("../../../../migrations/0002_sign_in.sql");
    assert_eq!(sha256_base64url(text.as_bytes()), "Y_YegWzbYdxasumFtD1XCwNHhiCbI6JUa5z9h6s8Ar0");
}

/// T-STO-10: what was written under the first schema is there after the upgrade, and works.
#[tokio::test(flavor = "multi_thread")]
async fn t_sto_10_rows_of_the_first_version_survive_the_upgrade() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let (url, _directory) = empty(kind).await;
        let store = Store::open(StoreOptions::new(&url)).await.unwrap();
        let mut raw = sqlx::AnyConnection::connect(&url.replace(' ', "%20")).await.unwrap();
        first_version().run_direct(None, &mut raw, false).await.unwrap();
        for insert in ROWS_OF_THE_FIRST_VERSION {
            raw.execute(insert).await.unwrap();
        }
        let before = store.schema().await.unwrap();
        assert_eq!(before, SchemaState::Behind { found: 1, newest: NEWEST });
        assert_eq!(store.migrate().await.unwrap(), Migrated { from: 1, to: NEWEST });
        raw.close().await.unwrap();

        let mut reader = store.read().await.unwrap();
        let conn = reader.conn();
        let token = Hashed::from_stored("refresh-hash");
        let (_, grant, person) = store::refresh_token::find(conn, &token).await.unwrap().unwrap();
        assert_eq!((grant.id.as_str(), grant.organization), ("grt_1", None));
        assert_eq!(person.identity.name, "Ada");
        assert_eq!(person.identity.verified_email(), None, "nobody vouched for it then");
        assert_eq!(person.acting_for(), model::Acting::Nobody);
        assert!(person.identity.attributes.is_empty());
        let hash = Hashed::from_stored("session-hash");
        let (session, _) = store::session::find(conn, &hash, NOW).await.unwrap().unwrap();
        assert_eq!((session.upstream_session, session.logout_hint_sealed), (None, None));
        let code = store::code::find(conn, &Hashed::from_stored("code-hash")).await.unwrap();
        assert_eq!(code.unwrap().organization, None);
        let account = store::account::find(conn, "ada").await.unwrap().unwrap();
        assert_eq!((account.totp_sealed, account.totp_step), (None, 0));
        let handle = Hashed::from_stored("handle-hash");
        let asked = store::authorization::find(conn, &handle).await.unwrap().unwrap();
        let resumed = matches!(asked.stage, model::Stage::Resumed { session: None, .. });
        assert!(resumed, "nobody's decision: the person comes over the bridge again");
        assert_eq!(asked.request.authenticated_after.as_millis(), 0);
        assert_eq!(store::client::count_unused(conn).await.unwrap(), 1);
        let events = store::audit::tail(conn, 9).await.unwrap();
        assert_eq!((events.len(), events[0].organization.as_ref()), (1, None));
        drop(reader);
        store.close().await;
        remove(kind, &url).await;
    }
}

/// The one SQL text stands on this: other types decode differently on the two databases.
#[tokio::test(flavor = "multi_thread")]
async fn columns_are_text_and_bigint_only() {
    on_each_database(async |db| {
        let columns = match db.kind {
            Kind::Sqlite => {
                "SELECT t.name, c.name, LOWER(c.type) FROM sqlite_master t, \
                 pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name LIKE 'OAUTH%'"
            }
            Kind::Postgres => {
                "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), \
                 CAST(data_type AS TEXT) FROM information_schema.columns \
                 WHERE table_name LIKE 'oauth%'"
            }
        };
        let rows = sqlx::query(columns).fetch_all(&mut db.raw().await).await.unwrap();
        assert!(rows.len() > 100, "all columns are looked at");
        for row in rows {
            let [table, column, data_type]: [String; 3] = [row.get(0), row.get(1), row.get(2)];
            assert!(["text", "bigint"].contains(&data_type.as_str()), "{table}.{column}");
        }
        assert_eq!(db.tables().await.len(), 18);
    })
    .await;
}

/// DS-9: what expires is swept by index.
#[tokio::test(flavor = "multi_thread")]
async fn ds_9_each_expiry_has_an_index() {
    on_each_database(async |db| {
        let indices = match db.kind {
            Kind::Sqlite => {
                "SELECT COUNT(DISTINCT i.tbl_name) FROM sqlite_master i, \
                 pragma_index_info(i.name) c WHERE i.type = 'index' AND c.seqno = 0 \
                 AND c.name IN ('expires_at', 'unused_since', 'kept_until')"
            }
            Kind::Postgres => {
                "SELECT COUNT(DISTINCT tablename) FROM pg_indexes \
                 WHERE indexdef LIKE '%(expires_at)%' OR indexdef LIKE '%(unused_since)%' \
                 OR indexdef LIKE '%(kept_until)%'"
            }
        };
        assert_eq!(db.number(indices).await, 9);
    })
    .await;
}

/// The file holds names of people: nobody else on the machine may read it.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_new_sqlite_file_belongs_to_its_user_only() {
    use std::os::unix::fs::PermissionsExt as _;
    crate::support::database::on(Kind::Sqlite, async |db| {
        let path = std::path::Path::new(db.url.strip_prefix("sqlite://").unwrap());
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        assert_eq!(mode(&path.with_extension("db-wal")), 0o600);
    })
    .await;
}

#[tokio::test]
async fn a_url_of_nothing_is_refused() {
    for bad in ["mysql://h/d", "sqlite://", "data.db", "postgres://h:notaport/d"] {
        let error = Store::open(StoreOptions::new(bad)).await.unwrap_err();
        assert!(matches!(error, StoreError::Url { .. }), "{bad}: {error}");
    }
}
