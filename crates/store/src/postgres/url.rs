//! The URL of a PostgreSQL database.
//!
//! Passwords are often made by a generator and written into the URL as they are. RFC 3986 §3.2 ends
//! the part with user, password and host at the first `/`, `?` or `#`, so such a password is cut off
//! and the rest taken for something else. At best that is a URL with a strange port.

use std::str::FromStr as _;

use sqlx::any::AnyConnectOptions;

/// What to do about a password that cut the URL.
const ENCODE_PASSWORD: &str = "a password with / ? # or @ in it is percent-encoded in a URL: / is \
                               %2F, ? is %3F, # is %23, @ is %40 and % is %25";

/// What to do about any other URL that is none.
const SHAPE: &str = "after postgres:// come user:password@host:port/database; in user and password, \
                     percent-encode whatever is not a letter or a digit";

/// How to connect.
pub(crate) fn connect_options(url: &str) -> Result<AnyConnectOptions, &'static str> {
    if is_cut_by_its_password(url) {
        return Err(ENCODE_PASSWORD);
    }
    AnyConnectOptions::from_str(url).map_err(|_| SHAPE)
}

/// Whether the `@` before the host comes later than the part that it belongs to. A fragment means
/// nothing here, and the name of a database has no `@`; a parameter may have one in its value.
fn is_cut_by_its_password(url: &str) -> bool {
    let (_, rest) = url.split_once("://").unwrap_or_default();
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = before.split_once('/').map_or("", |(_, path)| path);
    let in_no_value = query.split('=').next().is_some_and(|name| name.contains('@'));
    rest.contains('#') || path.contains('@') || in_no_value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(url: &str) -> Option<&'static str> {
        connect_options(url).err()
    }

    /// O8: each would be another host, port or database, or none, and the mistake is named.
    #[test]
    fn a_password_that_cuts_the_url_is_told_how_to_be_written() {
        for password in
            ["s3/cret", "s3#cret", "s3?cret", "12/34", "12?34", "s3@cr/et", "/", "#", "?"]
        {
            let url = format!("postgres://gate:{password}@db.example.com:5432/gate");
            let reason = reason(&url).expect("refused");
            assert!(reason.contains("percent-encoded"), "{password}: {reason}");
        }
        let empty_port = reason("postgres://gate:s3cret").expect("refused");
        assert!(empty_port.contains("percent-encode"), "{empty_port}");
    }

    /// What was understood before still is.
    #[test]
    fn urls_that_say_what_they_mean_pass() {
        for url in [
            "postgres://gate:s3%2Fcret@db.example.com/gate",
            "postgres://gate:s3@cret@db.example.com/gate",
            "postgresql://gate:s[3]cret@[::1]:5432/gate",
            "postgres://db.example.com:5432/gate?user=gate@company&sslmode=require",
            "postgres://gate@%2Fvar%2Frun%2Fpostgresql/gate",
            "postgres:///gate?host=/var/run/postgresql",
        ] {
            assert_eq!(reason(url), None, "{url}");
        }
    }
}
