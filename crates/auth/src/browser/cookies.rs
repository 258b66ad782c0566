//! Our cookies (HD-3): the browser binding, the sign-in session, and the mark of a browser in which
//! somebody with a local account signed in.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use kernel::encoding::sha256_base64url;
use model::device::DEVICE_LIFETIME_SECONDS;

use crate::config::{Config, CookieSecurity};

/// The names of our cookies. They carry a short hash of the issuer, because cookies ignore ports
/// and several deployments can share a host.
pub(crate) struct CookieNames {
    pub(crate) binding: String,
    pub(crate) session: String,
    /// Says in which browser somebody with a local account signed in before.
    pub(crate) device: String,
    security: CookieSecurity,
}

impl CookieNames {
    pub(crate) fn of(config: &Config) -> Self {
        let mut hash = sha256_base64url(config.issuer.as_bytes());
        hash.truncate(8);
        let prefix = match config.cookies {
            CookieSecurity::Https => "__Host-",
            CookieSecurity::LoopbackHttp => "",
        };
        Self {
            binding: format!("{prefix}wg_{hash}_b"),
            session: format!("{prefix}wg_{hash}_s"),
            device: format!("{prefix}wg_{hash}_d"),
            security: config.cookies,
        }
    }

    /// A `Set-Cookie` value for one of our cookies. It lives as long as the browser does.
    pub(crate) fn set(&self, name: &str, value: &str) -> Option<HeaderValue> {
        self.header(name, value, "")
    }

    /// A `Set-Cookie` value for the mark of a known browser, which outlives the browser's session.
    pub(crate) fn set_device(&self, value: &str) -> Option<HeaderValue> {
        self.header(&self.device, value, &format!("; Max-Age={DEVICE_LIFETIME_SECONDS}"))
    }

    /// A `Set-Cookie` value that removes one of our cookies.
    pub(crate) fn clear(&self, name: &str) -> Option<HeaderValue> {
        self.header(name, "", "; Max-Age=0")
    }

    fn header(&self, name: &str, value: &str, more: &str) -> Option<HeaderValue> {
        let secure = match self.security {
            CookieSecurity::Https => "; Secure",
            CookieSecurity::LoopbackHttp => "",
        };
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}");
        let mut header = HeaderValue::from_str(&text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

/// The value of the first cookie with this name.
pub(crate) fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}
