//! Changing: one file for each transition.
//!
//! Each is a struct with all that it needs, and an outcome that says what the database decided.

mod approve;
mod begin_authorization;
mod collect_garbage;
mod count_failed_redemption;
mod deny;
mod end_session;
mod ensure_signing_key;
mod redeem_code;
mod register_client;
mod resume_authorization;
mod revoke_grant;
mod rotate_refresh;
mod sign_in;

pub use approve::{Approve, ApproveOutcome};
pub use begin_authorization::{BeginAuthorization, BeginOutcome};
pub use collect_garbage::{CollectGarbage, Collected};
pub use count_failed_redemption::CountFailedRedemption;
pub use deny::{Deny, DenyOutcome};
pub use end_session::EndSession;
pub use ensure_signing_key::EnsureSigningKey;
pub use redeem_code::{NewRefreshToken, RedeemCode, RedeemOutcome};
pub use register_client::{RegisterClient, RegisterOutcome};
pub use resume_authorization::{ResumeAuthorization, ResumeOutcome};
pub use revoke_grant::{RevokeGrant, RevokeOutcome};
pub use rotate_refresh::{RotateOutcome, RotateRefresh, Successor};
pub use sign_in::{SignIn, SignInOutcome};
