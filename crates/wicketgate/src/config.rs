//! The configuration: one TOML file, overridden by the environment, read and checked as a whole.
//!
//! [`load`] finds every mistake in one run. What comes out is [`Settings`], in which nothing is
//! left to be interpreted; the role crates get their own plain structs from it (`compose`).

mod advice;
mod document;
mod fingerprint;
mod hide;
mod problem;
mod reader;
mod sections;
mod settings;
pub mod show;
mod urls;

pub(crate) use advice::about_groups;
pub use document::Source;
pub use fingerprint::Fingerprint;
pub use problem::{Problem, Problems};
pub use settings::{
    AccountSettings, AuthoritySettings, DatabaseSettings, DocumentSettings, FIXED_USER_PROVIDER,
    KindSettings, McpSettings, OAuthSettings, OidcSettings, PortalSettings, ProcessSettings,
    ProviderSettings, Role, SamlSettings, ServerSettings, Settings, SignInSettings,
    TelemetrySettings,
};
pub use urls::PublicUrl;
pub(crate) use urls::is_internal;

use tracing::level_filters::LevelFilter;

use document::Document;
use reader::Reader;
pub use show::Shown;

/// The annotated reference of every key.
pub const REFERENCE: &str = include_str!("../../../config/wicketgate.reference.toml");

/// A configuration that was read: its settings, and where each value came from.
#[derive(Debug)]
pub struct Loaded {
    /// The checked settings.
    pub settings: Settings,
    /// Each effective value, secrets masked, with its origin.
    pub shown: Vec<Shown>,
    /// What is no mistake, and yet probably not meant.
    pub advice: Vec<Problem>,
    /// Tells whether another reading says the same.
    pub fingerprint: Fingerprint,
}

/// Reads how much is to be logged, and nothing else.
///
/// # Errors
///
/// The text is no configuration, or the level is none.
pub fn log_level(source: &Source) -> Result<LevelFilter, Problems> {
    let document = Document::read(source)?;
    let reader = Reader::new(&document);
    let level = sections::log_level(&reader);
    let problems = reader.problems();
    if problems.is_empty() { Ok(level) } else { Err(problems) }
}

/// Reads and checks a configuration for one role. The other role's sections are checked for shape,
/// and their secrets are not resolved.
///
/// # Errors
///
/// Every mistake that was found.
pub fn load(source: &Source, role: Role) -> Result<Loaded, Problems> {
    let document = Document::read(source)?;
    let reader = Reader::new(&document);
    let settings = sections::read(&reader, role);
    let (shown, secrets, problems) = reader.finish();
    match settings {
        Some(settings) if problems.is_empty() => {
            let mut advice = advice::unread_variables(&source.environment, &document.root);
            advice.extend(advice::about(&settings));
            let fingerprint = Fingerprint::of(&document.root, secrets);
            Ok(Loaded { settings, shown, advice, fingerprint })
        }
        _ => Err(problems),
    }
}
