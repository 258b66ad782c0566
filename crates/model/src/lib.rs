//! The entities of the authorization server, and which states they can be in.
//!
//! Data exists only in the variants where it is true; expiry is computed from stored moments, not
//! stored as a flag. Nothing here does I/O: the database decides each transition by
//! compare-and-swap (crate `store`), and these types say what the outcomes mean.

pub mod account;
pub mod audit;
pub mod authorization;
pub mod client;
pub mod code;
pub mod consent;
pub mod device;
pub mod disabled;
pub mod grant;
pub mod person;
pub mod refresh_token;
pub mod signing_key;
pub mod upstream;

pub use account::{Account, AccountId};
pub use audit::{Actor, AuditEvent, AuditKind};
pub use authorization::{Authorization, AuthorizationRequest, Stage};
pub use client::{Client, ClientAuth, ClientId, ClientOrigin};
pub use code::Code;
pub use consent::{ConsentKey, RememberedConsent};
pub use disabled::{Disabled, DisabledKind};
pub use grant::{Grant, GrantId, RevocationReason};
pub use person::{Acting, Identity, Session, Subject, SubjectId};
pub use refresh_token::RefreshToken;
pub use signing_key::{KeyState, SigningKey};
pub use upstream::UpstreamSignIn;
