//! SAML: what is accepted, what is refused, and what an independent implementation says of both.

mod accepted;
mod corpus;
mod hostile;
mod lab;
mod name_ids;
mod oracle;
mod requests;
mod signing_keys;
mod sources;

use testkit::saml as idp;
