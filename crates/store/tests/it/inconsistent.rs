//! Rows that cannot be.

use store::StoreError;

use crate::support::{Story, on_each_database};

/// Damage is reported with its place and without what is there.
#[tokio::test(flavor = "multi_thread")]
async fn an_impossible_row_is_named_and_not_quoted() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let granted = story.granted().await;
        db.meddle("UPDATE OAUTH_GRANT SET scopes = 'canary'").await;
        let mut reader = db.store.read().await.unwrap();
        let found = store::refresh_token::find(reader.conn(), &granted.refresh.hash()).await;
        let error = found.unwrap_err();
        assert!(!error.is_unavailable());
        let StoreError::Inconsistent { table, column, row } = &error else { panic!("{error}") };
        assert_eq!((*table, *column), ("OAUTH_GRANT", "scopes"));
        assert!(granted.grant.id.as_str().starts_with(row), "{row}");
        assert!(!error.to_string().contains("canary"), "{error}");
    })
    .await;
}

/// Each of these is refused by the reader, not turned into something harmless.
#[tokio::test(flavor = "multi_thread")]
async fn damage_is_never_read_as_something_else() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let asked = story.ask().await;
        let damage = [
            ("UPDATE OAUTH_CLIENT SET redirect_uris = '[]'", "redirect_uris"),
            ("UPDATE OAUTH_CLIENT SET redirect_uris = '[\"javascript:1\"]'", "redirect_uris"),
            ("UPDATE OAUTH_CLIENT SET redirect_uris = 'x'", "redirect_uris"),
        ];
        for (sql, expected) in damage {
            db.meddle(sql).await;
            let mut reader = db.store.read().await.unwrap();
            let error = store::client::find(reader.conn(), &story.client.id).await.unwrap_err();
            let StoreError::Inconsistent { column, .. } = error else { panic!("{error}") };
            assert_eq!(column, expected, "{sql}");
        }
        let damage = [
            ("UPDATE OAUTH_SUBJECT SET attributes = '[]'", "attributes"),
            ("UPDATE OAUTH_SUBJECT SET organizations = '[1]'", "organizations"),
            ("UPDATE OAUTH_SUBJECT SET organizations = ''", "organizations"),
            ("UPDATE OAUTH_SUBJECT SET email_verified = 2", "email_verified"),
        ];
        for (sql, expected) in damage {
            db.meddle(sql).await;
            let mut reader = db.store.read().await.unwrap();
            let error = store::subject::find(reader.conn(), &story.person.id).await.unwrap_err();
            let StoreError::Inconsistent { column, .. } = error else { panic!("{error}") };
            assert_eq!(column, expected, "{sql}");
        }
        db.meddle("UPDATE OAUTH_TXN SET resource = 'no uri'").await;
        let mut reader = db.store.read().await.unwrap();
        let found = store::authorization::find(reader.conn(), &asked.handle).await;
        assert!(matches!(found, Err(StoreError::Inconsistent { column: "resource", .. })));
    })
    .await;
}
