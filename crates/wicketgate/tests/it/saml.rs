//! Signing in at a company's SAML provider, as browsers and strangers see it. What an answer must
//! be like is for the tests of `sso`; here it is about who may bring one, when, and how often.

mod answers;
mod company;
mod faults;
mod form;
mod replay;
mod story;
