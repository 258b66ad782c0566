//! The schema: migrating, and what the tables are made of.

use sqlx::{Connection as _, Executor as _, Row as _};
use store::{Migrated, SchemaState, Store, StoreError, StoreOptions};

use crate::support::database::{Kind, empty, remove};
use crate::support::on_each_database;

const NEWEST: i64 = 1;

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
             FROM _sqlx_migrations",
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
        assert_eq!(db.tables().await.len(), 14);
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
        assert_eq!(db.number(indices).await, 6);
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
