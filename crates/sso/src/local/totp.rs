//! The second factor: time-based one-time passwords (RFC 6238), as every authenticator app makes
//! them: SHA-1, six digits, thirty seconds.

use kernel::{SecureRandom, Timestamp};
use totp_rs::{Algorithm, Builder, Totp, TotpError};
use zeroize::Zeroizing;

/// Bytes of a secret (RFC 4226 §4 recommends 160 bits).
const SECRET_BYTES: usize = 20;

/// Seconds of a step.
const STEP_SECONDS: u64 = 30;

/// Steps before and after the current one that still count, for clocks that differ (RFC 6238 §5.2).
const STEPS_ASIDE: u16 = 1;

/// A secret shared with somebody's authenticator app.
pub struct TotpSecret(Zeroizing<Vec<u8>>);

/// The bytes are no secret of ours, or the name cannot stand in a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the one-time password secret cannot be used")]
pub struct BadTotpSecret;

impl TotpSecret {
    /// A fresh secret.
    pub fn generate(random: &dyn SecureRandom) -> Self {
        let mut bytes = Zeroizing::new(vec![0; SECRET_BYTES]);
        random.fill(&mut bytes);
        Self(bytes)
    }

    /// A secret that was kept.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadTotpSecret> {
        let secret = Self(Zeroizing::new(bytes.to_vec()));
        secret.totp(String::new(), None).map(|_| secret).map_err(|_| BadTotpSecret)
    }

    /// The bytes, to be sealed.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The `otpauth://` URI that authenticator apps take, as text or as a QR code.
    pub fn uri(&self, account: &str, issuer: &str) -> Result<String, BadTotpSecret> {
        let plain = |text: &str| text.replace(':', " ");
        let totp = self.totp(plain(account), Some(plain(issuer)));
        totp.and_then(|totp| totp.to_url()).map_err(|_| BadTotpSecret)
    }

    /// The step whose code this is, if it is one of now. A step must be accepted once only, which
    /// the store decides (RFC 6238 §5.2).
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        let seconds = u64::try_from(now.as_seconds()).ok()?;
        let totp = self.totp(String::new(), None).ok()?;
        let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let step = totp.check(&digits, seconds)?;
        i64::try_from(step).ok()
    }

    fn totp(&self, account: String, issuer: Option<String>) -> Result<Totp, TotpError> {
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_skew(STEPS_ASIDE)
            .with_step_duration(STEP_SECONDS)
            .with_account_name(account)
            .with_issuer(issuer)
            .with_secret(self.0.to_vec())
            .build()
    }
}

impl std::fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// RFC 6238, Appendix B: the SHA-1 test vectors, of which six digits remain.
    #[test]
    fn the_codes_are_those_of_the_rfc() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890").unwrap();
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            let now = Timestamp::from_millis(seconds * 1000);
            assert_eq!(secret.step_of(code, now), Some(seconds / 30), "{seconds}");
            assert_eq!(secret.step_of(code, now.plus_seconds(30)), Some(seconds / 30), "one aside");
            assert_eq!(secret.step_of(code, now.plus_seconds(61)), None, "two aside");
        }
        let now = Timestamp::from_millis(59_000);
        assert_eq!(secret.step_of("287 082", now), Some(1), "as apps show it");
        for wrong in ["", "287083", "28708", "2870820", "abcdef"] {
            assert_eq!(secret.step_of(wrong, now), None, "{wrong:?}");
        }
    }

    #[test]
    fn the_uri_is_what_apps_take() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890").unwrap();
        let uri = secret.uri("ada", "Wicket: gate").unwrap();
        assert!(uri.starts_with("otpauth://totp/"), "{uri}");
        assert!(uri.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "{uri}");
        assert!(uri.contains("issuer=Wicket"), "{uri}");
    }

    #[test]
    fn a_short_secret_is_refused_and_none_is_shown() {
        assert_eq!(TotpSecret::from_bytes(b"short").unwrap_err(), BadTotpSecret);
        let fresh = TotpSecret::generate(&kernel::OsRandom::new());
        assert_eq!(fresh.bytes().len(), SECRET_BYTES);
        assert_eq!(format!("{fresh:?}"), "TotpSecret(…)");
    }
}
