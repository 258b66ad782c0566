//! Passwords: hashed with Argon2id at the parameters that OWASP recommends (19 MiB, two passes).
//!
//! One keyboard sends é as one character, another as e with an accent. So passwords are hashed and
//! compared in Unicode's normal form C (NIST SP 800-63B §5.1.1.2, RFC 8265 §4.2.2).

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use kernel::SecureRandom;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// Characters that a password has at least, unless the configuration says otherwise.
pub const DEFAULT_MINIMUM_LENGTH: usize = 12;

/// Bytes that a password has at most, so that nobody makes us hash a book.
pub const MAXIMUM_BYTES: usize = 256;

/// Why a password is not good enough to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Too few characters.
    #[error("the password needs at least {minimum} characters")]
    TooShort {
        /// How many it needs.
        minimum: usize,
    },
    /// Too many bytes.
    #[error("the password may have at most {MAXIMUM_BYTES} bytes")]
    TooLong,
    /// The first thing that anybody would try.
    #[error("the password may not contain the user name")]
    ContainsUsername,
    /// One character again and again.
    #[error("the password needs at least five different characters")]
    TooUniform,
}

/// Checks a password that somebody wants to set (NIST SP 800-63B §5.1.1: length, not composition).
pub fn check_new(password: &str, username: &str, minimum: usize) -> Result<(), WeakPassword> {
    if password.len() > MAXIMUM_BYTES {
        return Err(WeakPassword::TooLong);
    }
    let password = normal_form(password);
    let mut different: Vec<char> = password.chars().collect();
    let length = different.len();
    different.sort_unstable();
    different.dedup();
    if length < minimum {
        Err(WeakPassword::TooShort { minimum })
    } else if password.len() > MAXIMUM_BYTES {
        Err(WeakPassword::TooLong)
    } else if password.to_lowercase().contains(&username.to_lowercase()) {
        Err(WeakPassword::ContainsUsername)
    } else if different.len() < 5 {
        Err(WeakPassword::TooUniform)
    } else {
        Ok(())
    }
}

/// The hash of a password, as a PHC string with its salt and parameters.
///
/// # Panics
///
/// Never: Argon2 takes any password and a salt of 16 bytes.
pub fn hash(password: &str, random: &dyn SecureRandom) -> String {
    let mut salt = [0; 16];
    random.fill(&mut salt);
    hash_with(normal_form(password).as_bytes(), &salt)
}

/// Whether the password fits the stored hash. Without one, as for an unknown user name, the answer
/// is no after the same work, so that the time does not tell who has an account (T-LOGIN-02).
///
/// A hash from before passwords were normalised is of the bytes as they were typed then, so a
/// password that is not in normal form is tried like that, too. How much work that is depends on
/// what was typed and never on whose password it would be.
pub fn verify(password: &str, stored: Option<&str>) -> bool {
    let password = if password.len() > MAXIMUM_BYTES { "" } else { password };
    let normal = normal_form(password);
    let hash = stored.unwrap_or(&DECOY);
    let fits = |text: &str| Argon2::default().verify_password(text.as_bytes(), hash).is_ok();
    let as_typed = *normal != *password && fits(password);
    let fits_somebody = fits(&normal) || as_typed;
    fits_somebody && stored.is_some() && !password.is_empty()
}

fn normal_form(password: &str) -> Zeroizing<String> {
    Zeroizing::new(password.nfc().collect())
}

/// The hash of no one's password.
static DECOY: LazyLock<String> = LazyLock::new(|| hash_with(b"nobody has this one", &[7; 16]));

fn hash_with(password: &[u8], salt: &[u8; 16]) -> String {
    let hash = Argon2::default().hash_password_with_salt(password, salt);
    hash.expect("Argon2 takes any password and a salt of 16 bytes").to_string()
}

#[cfg(test)]
mod tests {
    use kernel::OsRandom;

    use super::*;

    #[test]
    fn only_the_password_fits_and_the_hash_says_how_it_was_made() {
        let stored = hash("correct horse battery", &OsRandom::new());
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify("correct horse battery", Some(&stored)));
        for wrong in ["correct horse batterz", "", "Correct horse battery", &"x".repeat(1000)] {
            assert!(!verify(wrong, Some(&stored)), "{wrong:?}");
        }
        assert_ne!(stored, hash("correct horse battery", &OsRandom::new()), "salted");
    }

    #[test]
    fn an_unknown_account_and_a_damaged_hash_fit_nothing() {
        assert!(!verify("nobody has this one", None));
        for damaged in ["", "plain", "$argon2id$v=19$m=19456,t=2,p=1$", "$2b$12$abcdefgh"] {
            assert!(!verify("plain", Some(damaged)), "{damaged:?}");
        }
        let empty = hash("", &OsRandom::new());
        assert!(!verify("", Some(&empty)), "no password is never a password");
        assert!(!verify(&"x".repeat(MAXIMUM_BYTES + 1), Some(&empty)));
    }

    /// A15: é is é, as one character or as two, when it is set and when it is typed.
    #[test]
    fn a15_passwords_are_compared_in_normal_form() {
        let (composed, decomposed) = ("caf\u{e9} au lait \u{212b}", "cafe\u{301} au lait A\u{30a}");
        for set in [composed, decomposed] {
            let stored = hash(set, &OsRandom::new());
            for typed in [composed, decomposed] {
                assert!(verify(typed, Some(&stored)), "{set:?} {typed:?}");
            }
            assert!(!verify("cafe au lait A", Some(&stored)));
        }
        let before = hash_with(decomposed.as_bytes(), &[1; 16]);
        assert!(verify(decomposed, Some(&before)), "set before there was a normal form");
        assert!(!verify(decomposed, None));
        let accents = "e\u{301}".repeat(11);
        let short = check_new(&accents, "ada", DEFAULT_MINIMUM_LENGTH);
        assert_eq!(short, Err(WeakPassword::TooShort { minimum: 12 }), "eleven characters");
    }

    #[test]
    fn weak_passwords_are_refused_with_the_reason() {
        let check = |password: &str| check_new(password, "ada", DEFAULT_MINIMUM_LENGTH);
        assert_eq!(check("correct horse battery"), Ok(()));
        assert_eq!(check("short"), Err(WeakPassword::TooShort { minimum: 12 }));
        assert_eq!(check(&"correct ".repeat(40)), Err(WeakPassword::TooLong));
        assert_eq!(check("my name is ADA, hello"), Err(WeakPassword::ContainsUsername));
        assert_eq!(check("abcabcabcabcabc"), Err(WeakPassword::TooUniform));
        assert_eq!(check("ääääääääöü"), Err(WeakPassword::TooShort { minimum: 12 }), "characters");
    }
}
