//! Where the database is.

use super::{BRIDGE, GOOD, names, problems};
use crate::world::wicketgate;

/// O8: found by the check and not only at the start, and the password stays out of it.
#[test]
fn a_password_that_cuts_the_url_is_found_before_the_start() {
    for url in [
        "postgres://gate:s3cret/x@db.example.com/gate",
        "postgres://gate:s3cret#x@db.example.com/gate",
        "postgres://gate:s3cret?x@db.example.com/gate",
        "postgres://gate:s3cret",
        "sqlite::memory:",
        "sqlite://",
    ] {
        let found = problems(&GOOD.replace("sqlite://data/test.db", url));
        names(&found, "database.url");
        let text = format!("{found:?}");
        assert!(!text.contains("s3cret"), "{text}");
        assert_eq!(url.starts_with("postgres"), text.contains("percent-encode"), "{text}");
    }
}

/// O8: the same of where changes are listened for, which is PostgreSQL or nothing.
#[test]
fn a_listen_url_is_found_wanting_before_the_start() {
    let here = "url = \"sqlite://data/test.db\"";
    assert!(GOOD.contains(here), "{GOOD}");
    let with = |url: &str, listen_url: &str| {
        GOOD.replace(here, &format!("url = \"{url}\"\nlisten_url = \"{listen_url}\""))
    };
    let postgres = "postgres://gate:s3cret@pooler.example.com/gate";
    for (url, listen_url) in [
        (postgres, "postgres://gate:s3cret/x@db.example.com/gate"),
        (postgres, "postgres://gate:s3cret@db.example.com/gate?sslrotcert=x"),
        (postgres, "sqlite://data/test.db"),
        ("sqlite://data/test.db", "postgres://gate:s3cret@db.example.com/gate"),
    ] {
        let found = problems(&with(url, listen_url));
        names(&found, "database.listen_url");
        assert!(!format!("{found:?}").contains("s3cret"), "{found:?}");
    }
    for (url, listen_url) in [
        (postgres, "postgres://gate:s3cret@db.example.com/gate?sslmode=verify-full"),
        (postgres, ""),
        ("sqlite://data/test.db", ""),
    ] {
        assert_eq!(problems(&with(url, listen_url)), []);
    }
}

/// O7: a relative path is found from where the program is started, so the check says where that is.
#[test]
fn the_check_names_the_file_of_the_database() {
    let directory = tempfile::tempdir().expect("a directory");
    let here = directory.path().canonicalize().expect("it is there");
    let file = here.join("wicketgate.toml");
    for (url, expected) in [
        ("sqlite://data/test.db", Some(here.join("data/test.db").display().to_string())),
        ("sqlite:///srv/test.db", Some("/srv/test.db".to_owned())),
        ("postgres://gate:s3cret@db.example.com/gate", None),
    ] {
        std::fs::write(&file, GOOD.replace("sqlite://data/test.db", url)).expect("written");
        let output = wicketgate(&here)
            .args(["config", "check", "--config"])
            .arg(&file)
            .env("BRIDGE", BRIDGE)
            .env("KEY", kernel::encoding::base64(&[7; 32]))
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = said.lines().find_map(|line| line.strip_prefix("Its database is the file "));
        assert_eq!(line, expected.as_deref(), "{said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
}
