//! The database: all SQL, all `OAUTH_*` tables, SQLite and PostgreSQL behind one face.
//!
//! There is one SQL text for both: `$1` parameters, TEXT and BIGINT columns, moments in
//! milliseconds. Reading is a function for each table (`client::find`); changing something is a
//! [`UnitOfWork`] for each transition ([`mod@unit`]). The database decides every transition by
//! compare-and-swap or by a constraint, never by a look-up before a change, and each unit records
//! its audit event in the same transaction.
//!
//! On SQLite one writer groups the units that wait for it into one durable commit and answers only
//! after that; on PostgreSQL a unit is an ordinary transaction. Callers cannot tell.

mod conn;
mod error;
mod migrate;
mod options;
mod postgres;
mod query;
mod row;
mod sqlite;
mod store;
mod table;
pub mod unit;

pub use conn::{Conn, Reader, Txn, UnitOfWork};
pub use error::StoreError;
pub use migrate::{Migrated, SchemaState};
pub use options::StoreOptions;
pub use store::Store;
pub use table::{
    account, audit, authorization, client, code, consent, disabled, grant, refresh_token, revision,
    revoked_token, session, signing_key, subject, upstream,
};
