//! SAML: what is accepted, what is refused, and what an independent implementation says of both.

mod accepted;
mod corpus;
mod hostile;
mod lab;
mod oracle;
mod requests;
mod sources;

use testkit::saml as idp;
