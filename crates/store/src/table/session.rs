//! `OAUTH_SESSION`: browser sign-ins.

use kernel::{Hashed, Timestamp};
use model::person::SessionSecret;
use model::{Session, Subject, SubjectId};

use super::subject;
use crate::query::query;
use crate::row::Fields;
use crate::{Conn, StoreError, Txn};

pub(crate) const TABLE: &str = "OAUTH_SESSION";

/// The session with this hash and its person, unless it ended.
pub async fn find(
    conn: &mut Conn,
    hash: &Hashed<SessionSecret>,
    now: Timestamp,
) -> Result<Option<(Session, Subject)>, StoreError> {
    let select = query(
        "SELECT e.session_hash, e.subject_id, e.authenticated_at, e.expires_at, \
         e.upstream_session, e.logout_hint_sealed, \
         s.subject_id, s.provider, s.external_id, s.name, s.email, s.email_verified, \
         s.group_names, s.organizations, s.attributes, s.organization, s.user_type, \
         s.disabled_at \
         FROM OAUTH_SESSION e JOIN OAUTH_SUBJECT s ON s.subject_id = e.subject_id \
         WHERE e.session_hash = $1 AND e.expires_at > $2",
    )
    .bind(hash.as_str())
    .bind(now.as_millis());
    let row = conn.one_or_none("find a session", select).await?;
    row.map(|row| take(&mut Fields::of(&row, TABLE))).transpose()
}

/// Holds a session of this person, so that nobody ends it before the unit does; `false` if it is
/// over.
pub(crate) async fn hold(
    txn: &mut Txn<'_>,
    hash: &Hashed<SessionSecret>,
    subject: &SubjectId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let update = query(
        "UPDATE OAUTH_SESSION SET expires_at = expires_at \
         WHERE session_hash = $1 AND subject_id = $2 AND expires_at > $3",
    )
    .bind(hash.as_str())
    .bind(subject.as_str())
    .bind(now.as_millis());
    Ok(txn.change("hold a session", update).await? == 1)
}

fn take(fields: &mut Fields<'_>) -> Result<(Session, Subject), StoreError> {
    let session = Session {
        hash: fields.hash("session_hash")?,
        subject: fields.id("subject_id")?,
        authenticated_at: fields.moment("authenticated_at")?,
        expires_at: fields.moment("expires_at")?,
        upstream_session: fields.optional_text("upstream_session")?.map(Hashed::from_stored),
        logout_hint_sealed: fields.optional_text("logout_hint_sealed")?,
    };
    fields.then(subject::TABLE);
    Ok((session, subject::take(fields)?))
}
