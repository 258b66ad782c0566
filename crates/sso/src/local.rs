//! Local accounts, for small installations and for the day on which the company's sign-in is down.
//!
//! What is here costs processor time on purpose (Argon2id takes tens of milliseconds), so callers
//! run it on a blocking thread and a few at a time. Who is locked out and which code was used is
//! for the store to decide.

pub mod password;
pub mod totp;
