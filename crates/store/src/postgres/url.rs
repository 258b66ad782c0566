//! The URL of a PostgreSQL database.
//!
//! Passwords are often made by a generator and written into the URL as they are. RFC 3986 §3.2 ends
//! the part with user, password and host at the first `/`, `?` or `#`, so such a password is cut off
//! and the rest taken for something else. At best that is a URL with a strange port.

use std::borrow::Cow;
use std::str::FromStr as _;

use sqlx::any::AnyConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// What to do about a password that cut the URL.
const ENCODE_PASSWORD: &str = "a password with / ? # or @ in it is percent-encoded in a URL, and so \
                               is the name of a database: / is %2F, ? is %3F, # is %23, @ is %40 \
                               and % is %25";

/// What to do about a fragment that cut nothing.
const FRAGMENT: &str = "a # and what follows it mean nothing here: leave them out, or write %23 where \
                        the # belongs to a name";

/// What to do about any other URL that is none.
const SHAPE: &str = "after postgres:// come user:password@host:port/database; in user and password, \
                     percent-encode whatever is not a letter or a digit";

/// What to do about a parameter that is understood, with a value that is not.
const VALUE: &str = "a parameter after the ? has a value that cannot be used; sslmode is disable, \
                     allow, prefer, require, verify-ca or verify-full, and port and \
                     statement-cache-capacity are numbers";

/// What to do about a CA that nobody would look at: sqlx takes any certificate with `sslmode=require`,
/// while libpq checks it against the file.
const UNUSED_CA: &str = "sslrootcert is looked at with sslmode=verify-full (or verify-ca) only, and any \
                         other takes whatever certificate it is shown: write sslmode=verify-full";

/// The parameters that sqlx knows. It ignores any other, which may be `sslrootcert` misspelt, and
/// logs its value, which may be half of a password.
const PARAMETERS: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "statement-cache-capacity",
    "options",
];

/// How to connect.
pub(crate) fn connect_options(url: &str) -> Result<AnyConnectOptions, Cow<'static, str>> {
    let (_, rest) = url.split_once("://").unwrap_or_default();
    if let Some(reason) = stray_mark(rest) {
        return Err(reason.into());
    }
    let (_, query) = rest.split_once('?').unwrap_or((rest, ""));
    let options = AnyConnectOptions::from_str(url).map_err(|_| SHAPE)?;
    refuse_unknown(&options, query)?;
    let meant = PgConnectOptions::from_str(url).map_err(|_| VALUE)?;
    let mut names = options.database_url.query_pairs().map(|(name, _)| name);
    let has_ca = names.any(|name| ["sslrootcert", "ssl-root-cert", "ssl-ca"].contains(&&*name));
    if has_ca && !matches!(meant.get_ssl_mode(), PgSslMode::VerifyCa | PgSslMode::VerifyFull) {
        return Err(UNUSED_CA.into());
    }
    Ok(options)
}

/// How to connect in order to listen.
pub(crate) fn listen_options(url: &str) -> Result<PgConnectOptions, Cow<'static, str>> {
    connect_options(url)?;
    PgConnectOptions::from_str(url).map_err(|_| VALUE.into())
}

/// A `#`, or an `@` behind the part that it belongs to. In a parameter it may be meant so, if a host
/// and a database stand before it.
fn stray_mark(rest: &str) -> Option<&'static str> {
    if let Some((before, after)) = rest.split_once('#') {
        let has_host = before.contains('@') && !after.contains('@');
        return Some(if has_host { FRAGMENT } else { ENCODE_PASSWORD });
    }
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    let stray = match before.split_once('/') {
        Some((_, path)) => path.contains('@'),
        None => query.contains('@') && !before.contains('@'),
    };
    stray.then_some(ENCODE_PASSWORD)
}

/// Refuses a parameter that sqlx does not know. With an `@` in it or after it, it is the rest of a
/// password, of which nothing is said; a value that is known may have one.
fn refuse_unknown(options: &AnyConnectOptions, query: &str) -> Result<(), Cow<'static, str>> {
    let mut names = options.database_url.query_pairs().map(|(name, _)| name).enumerate();
    let Some((position, name)) = names.find(|(_, name)| !is_known(name)) else { return Ok(()) };
    let mut rest = query.split('&').filter(|parameter| !parameter.is_empty()).skip(position);
    if rest.any(|parameter| parameter.contains('@')) {
        return Err(ENCODE_PASSWORD.into());
    }
    let known = PARAMETERS.join(", ");
    Err(format!("there is no parameter {name:?}; known are {known}").into())
}

fn is_known(name: &str) -> bool {
    PARAMETERS.contains(&name) || (name.starts_with("options[") && name.ends_with(']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(url: &str) -> Option<Cow<'static, str>> {
        connect_options(url).err()
    }

    /// O8: each would be another host, port or database, or none, and the mistake is named.
    #[test]
    fn a_password_that_cuts_the_url_is_told_how_to_be_written() {
        for password in [
            "s3/cret", "s3#cret", "s3?cret", "12/34", "12?34", "s3@cr/et", "s3@cr#et", "/", "#",
            "?",
        ] {
            let url = format!("postgres://gate:{password}@db.example.com:5432/gate");
            let reason = reason(&url).expect("refused");
            assert!(reason.contains("percent-encoded"), "{password}: {reason}");
        }
        let empty_port = reason("postgres://gate:s3cret").expect("refused");
        assert!(empty_port.contains("percent-encode"), "{empty_port}");
    }

    /// What was cut off is taken for parameters, whose values sqlx would log.
    #[test]
    fn half_a_password_is_no_parameter() {
        for password in [
            "12?a=SECRETx",
            "?Zk=SECRETx",
            "443?Zk==SECRETx",
            "12?SECRETx&b=c",
            "12?sslmode=SECRETx",
            "12?user=SECRETx",
        ] {
            let reason = reason(&format!("postgres://gate:{password}@127.0.0.1:1/gate"));
            let reason = reason.expect("refused");
            assert_eq!(reason, ENCODE_PASSWORD, "{password}");
        }
    }

    /// One that is misspelt would be ignored: `sslrotcert` means no certificate is checked.
    #[test]
    fn an_unknown_parameter_is_named_without_its_value() {
        for more in ["sslrotcert=SECRETx", "user=a@b&sslrotcert=SECRETx", "sslrotcert"] {
            let reason = reason(&format!("postgres://gate:pw@db.example.com/gate?{more}"));
            let reason = reason.expect("refused");
            assert!(reason.starts_with("there is no parameter \"sslrotcert\""), "{reason}");
            assert!(reason.contains("sslrootcert") && !reason.contains("SECRET"), "{reason}");
        }
        let bad_value = reason("postgres://gate:pw@db.example.com/gate?sslmode=SECRETx");
        assert_eq!(bad_value.as_deref(), Some(VALUE));
    }

    /// The only fault is behind the host, so the password is not to blame.
    #[test]
    fn what_stands_behind_the_host_is_told_apart() {
        assert_eq!(reason("postgres://gate:pw@db.example.com/gate#").as_deref(), Some(FRAGMENT));
        let named = reason("postgres://gate:pw@db.example.com/g@te").expect("refused");
        assert!(named.contains("name of a database"), "{named}");
    }

    /// With libpq this CA would count, and here it would not.
    #[test]
    fn a_ca_that_nobody_looks_at_is_refused() {
        let with = |more: &str| {
            reason(&format!("postgres://gate:pw@db.example.com/gate?sslrootcert=%2Fca.pem{more}"))
        };
        for more in ["", "&sslmode=require", "&sslmode=prefer", "&sslmode=disable"] {
            assert_eq!(with(more).as_deref(), Some(UNUSED_CA), "{more}");
        }
        for more in ["&sslmode=verify-full", "&sslmode=verify-ca", "&ssl-mode=verify-full"] {
            assert_eq!(with(more), None, "{more}");
        }
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
            "postgres://gate:pw@db.example.com/gate?options%5Bsearch_path%5D=wicketgate",
            "postgres://gate@db.example.com/gate?password=s3@cret&application_name=gate",
        ] {
            assert_eq!(reason(url), None, "{url}");
        }
    }
}
