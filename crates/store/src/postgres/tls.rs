//! Why there is no TLS with PostgreSQL, and what to do about it.
//!
//! It is said at the start only: what fails later was good before, and is trouble like any other.

use std::io::ErrorKind;
use std::sync::Arc;

use sqlx::any::AnyConnectOptions;

use crate::error::StoreError;

const UNKNOWN_ISSUER: &str = "no CA that is trusted here signed the certificate of PostgreSQL; write the CA \
                              certificates of whoever runs the database into a file of PEM blocks and \
                              name it: ?sslmode=verify-full&sslrootcert=/etc/wicketgate/database-ca.pem";

const OTHER_NAME: &str = "the certificate of PostgreSQL is for another name; write the name into the URL \
                          for which it was made, which is what the provider's console shows";

const EXPIRED: &str =
    "the certificate of PostgreSQL is out of date, or the clock of this machine is wrong";

const OTHER_FAULT: &str = "the certificate of PostgreSQL is not good";

const NO_TLS: &str = "sslmode wants TLS and PostgreSQL has none; turn it on there (ssl = on), or write \
                      sslmode=disable where nobody else can listen in between";

const UNREADABLE: &str =
    "a file that is named in it (sslrootcert, sslcert or sslkey) cannot be read";

/// What went wrong with the first connection.
pub(super) fn explained(error: sqlx::Error, to: &AnyConnectOptions) -> StoreError {
    match advice(&error, to) {
        Some(advice) => StoreError::Untrusted { advice, source: Arc::new(error) },
        None => StoreError::unreachable(error),
    }
}

fn advice(error: &sqlx::Error, to: &AnyConnectOptions) -> Option<&'static str> {
    match error {
        sqlx::Error::Tls(cause) if cause.to_string().contains("does not support TLS") => {
            Some(NO_TLS)
        }
        sqlx::Error::Tls(cause) => of_certificate(&cause.to_string()),
        sqlx::Error::Io(cause) => match cause.kind() {
            ErrorKind::InvalidData => of_certificate(&cause.to_string()),
            // Without such a file it is the socket of PostgreSQL that is not there.
            ErrorKind::NotFound | ErrorKind::PermissionDenied => {
                names_files(to).then_some(UNREADABLE)
            }
            _ => None,
        },
        _ => None,
    }
}

fn names_files(to: &AnyConnectOptions) -> bool {
    let mut names = to.database_url.query_pairs().map(|(name, _)| name);
    names.any(|name| name.starts_with("ssl") && !name.ends_with("mode"))
}

/// rustls is not a dependency here, so its words have to do.
fn of_certificate(words: &str) -> Option<&'static str> {
    if !words.contains("certificate") {
        None
    } else if words.contains("UnknownIssuer") || words.contains("BadSignature") {
        // The latter is a CA of the same name with another key, such as the one before.
        Some(UNKNOWN_ISSUER)
    } else if words.contains("not valid for name") || words.contains("NotValidForName") {
        Some(OTHER_NAME)
    } else if words.contains("xpired") {
        Some(EXPIRED)
    } else {
        Some(OTHER_FAULT)
    }
}
