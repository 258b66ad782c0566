//! `OAUTH_SUBJECT`: people.

use model::{Identity, Subject, SubjectId};
use protocol::UserType;
use sqlx::query;

use crate::row::Fields;
use crate::{Conn, StoreError};

pub(crate) const TABLE: &str = "OAUTH_SUBJECT";

/// The person with this id, disabled or not.
pub async fn find(conn: &mut Conn, id: &SubjectId) -> Result<Option<Subject>, StoreError> {
    let select = query(
        "SELECT subject_id, provider, external_id, name, email, group_names, user_type, \
         disabled_at FROM OAUTH_SUBJECT WHERE subject_id = $1",
    )
    .bind(id.as_str());
    let row = conn.one_or_none("find a person", select).await?;
    row.map(|row| take(&mut Fields::of(&row, TABLE))).transpose()
}

pub(crate) fn take(fields: &mut Fields<'_>) -> Result<Subject, StoreError> {
    Ok(Subject {
        id: fields.id("subject_id")?,
        identity: Identity {
            provider: fields.text("provider")?,
            external_id: fields.text("external_id")?,
            name: fields.text("name")?,
            email: fields.optional_text("email")?.map(unverified),
            groups: fields.parsed("group_names", |json| serde_json::from_str(json).ok())?,
            ..Identity::default()
        },
        user_type: fields.parsed("user_type", UserType::parse)?,
        disabled_at: fields.optional_moment("disabled_at")?,
    })
}

pub(crate) fn group_names_text(groups: &[String]) -> String {
    groups.iter().map(String::as_str).collect::<serde_json::Value>().to_string()
}

fn unverified(address: String) -> protocol::identity::Email {
    protocol::identity::Email { address, verified: false }
}
