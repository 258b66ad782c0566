//! `OAUTH_SUBJECT`: people.

use kernel::Timestamp;
use model::{Identity, Subject, SubjectId};
use protocol::UserType;
use protocol::identity::Email;

use crate::query::{Query, query};
use crate::row::Fields;
use crate::{Conn, StoreError};

pub(crate) const TABLE: &str = "OAUTH_SUBJECT";

/// The person with this id, disabled or not.
pub async fn find(conn: &mut Conn, id: &SubjectId) -> Result<Option<Subject>, StoreError> {
    let select = query(
        "SELECT subject_id, provider, external_id, name, email, email_verified, group_names, \
         organizations, attributes, organization, user_type, disabled_at \
         FROM OAUTH_SUBJECT WHERE subject_id = $1",
    )
    .bind(id.as_str());
    let row = conn.one_or_none("find a person", select).await?;
    row.map(|row| take(&mut Fields::of(&row, TABLE))).transpose()
}

/// When the person's provider was last asked about them, if there is something to ask again with.
pub async fn checked_at(conn: &mut Conn, id: &SubjectId) -> Result<Option<Timestamp>, StoreError> {
    let select = query(
        "SELECT subject_id, checked_at FROM OAUTH_SUBJECT \
         WHERE subject_id = $1 AND upstream_refresh_sealed IS NOT NULL",
    )
    .bind(id.as_str());
    let row = conn.one_or_none("find when a person was checked", select).await?;
    row.map(|row| {
        let mut fields = Fields::of(&row, TABLE);
        fields.text("subject_id")?;
        fields.moment("checked_at")
    })
    .transpose()
}

/// People who can be asked about at their provider, with what that is done with, sealed: some with ids
/// after this one, in their order.
pub async fn upstream_refreshes(
    conn: &mut Conn,
    after: &str,
    limit: u32,
) -> Result<Vec<UpstreamRefresh>, StoreError> {
    let select = query(
        "SELECT subject_id, provider, external_id, upstream_refresh_sealed FROM OAUTH_SUBJECT \
         WHERE upstream_refresh_sealed IS NOT NULL AND subject_id > $1 ORDER BY subject_id LIMIT $2",
    )
    .bind(after.to_owned())
    .bind(i64::from(limit));
    let rows = conn.all("list what providers are asked with", select).await?;
    let take = |fields: &mut Fields<'_>| {
        Ok(UpstreamRefresh {
            id: fields.id("subject_id")?,
            provider: fields.text("provider")?,
            external_id: fields.text("external_id")?,
            sealed: fields.text("upstream_refresh_sealed")?,
        })
    };
    rows.iter().map(|row| take(&mut Fields::of(row, TABLE))).collect()
}

/// What a provider is asked about a person with.
#[derive(Clone, Debug)]
pub struct UpstreamRefresh {
    /// The person.
    pub id: SubjectId,
    /// Whose provider this is.
    pub provider: String,
    /// Who the person is there.
    pub external_id: String,
    /// The provider's token, sealed.
    pub sealed: String,
}

/// The providers from which people have signed in here, ever.
pub async fn providers(conn: &mut Conn) -> Result<Vec<String>, StoreError> {
    let select = query("SELECT DISTINCT provider FROM OAUTH_SUBJECT ORDER BY provider");
    let rows = conn.all("list the providers of people", select).await?;
    rows.iter().map(|row| Fields::of(row, TABLE).text("provider")).collect()
}

/// The id of the person whom a provider knows by this id.
pub async fn find_id(
    conn: &mut Conn,
    provider: &str,
    external_id: &str,
) -> Result<Option<SubjectId>, StoreError> {
    let select =
        query("SELECT subject_id FROM OAUTH_SUBJECT WHERE provider = $1 AND external_id = $2")
            .bind(provider.to_owned())
            .bind(external_id.to_owned());
    let row = conn.one_or_none("find a person", select).await?;
    row.map(|row| Fields::of(&row, TABLE).id("subject_id")).transpose()
}

/// Everybody, by provider and name.
pub async fn list(conn: &mut Conn) -> Result<Vec<Subject>, StoreError> {
    let select = query(
        "SELECT subject_id, provider, external_id, name, email, email_verified, group_names, \
         organizations, attributes, organization, user_type, disabled_at \
         FROM OAUTH_SUBJECT ORDER BY provider, name, subject_id",
    );
    let rows = conn.all("list people", select).await?;
    rows.iter().map(|row| take(&mut Fields::of(row, TABLE))).collect()
}

pub(crate) fn take(fields: &mut Fields<'_>) -> Result<Subject, StoreError> {
    Ok(Subject {
        id: fields.id("subject_id")?,
        identity: Identity {
            provider: fields.text("provider")?,
            external_id: fields.text("external_id")?,
            name: fields.text("name")?,
            email: take_email(fields)?,
            groups: fields.parsed("group_names", |json| serde_json::from_str(json).ok())?,
            organizations: fields
                .parsed("organizations", |json| serde_json::from_str(json).ok())?,
            attributes: fields.parsed("attributes", |json| serde_json::from_str(json).ok())?,
        },
        organization: fields.optional_text("organization")?,
        user_type: fields.parsed("user_type", UserType::parse)?,
        disabled_at: fields.optional_moment("disabled_at")?,
    })
}

/// Only a 1 makes an address reliable, and nothing else but a 0 may stand there.
fn take_email(fields: &mut Fields<'_>) -> Result<Option<Email>, StoreError> {
    let address = fields.optional_text("email")?;
    let verified = match fields.number("email_verified")? {
        0 => false,
        1 => true,
        _ => return Err(fields.impossible("email_verified")),
    };
    Ok(address.map(|address| Email { address, verified }))
}

/// Binds what a provider said of a person, and what kind of user that makes them: seven columns,
/// from `name` to `user_type`.
pub(crate) fn bind_known<'i>(
    statement: Query<'i>,
    identity: &'i Identity,
    user_type: UserType,
) -> Query<'i> {
    statement
        .bind(identity.name.as_str())
        .bind(identity.email.as_ref().map(|email| email.address.clone()))
        .bind(i64::from(identity.verified_email().is_some()))
        .bind(names_text(&identity.groups))
        .bind(names_text(&identity.organizations))
        .bind(attributes_text(&identity.attributes))
        .bind(user_type.as_str())
}

/// Names as the columns `group_names` and `organizations` keep them.
pub(crate) fn names_text(names: &[String]) -> String {
    names.iter().map(String::as_str).collect::<serde_json::Value>().to_string()
}

/// Claims as the column `attributes` keeps them.
pub(crate) fn attributes_text(attributes: &protocol::identity::Attributes) -> String {
    let object: serde_json::Map<_, _> = attributes
        .iter()
        .map(|(name, values)| (name.clone(), values.iter().map(String::as_str).collect()))
        .collect();
    serde_json::Value::Object(object).to_string()
}
