//! `kind = "local"`.

use sso::local::password::DEFAULT_MINIMUM_LENGTH;

use super::provider::Common;
use crate::config::reader::Reader;
use crate::config::settings::AccountSettings;

pub(super) const KEYS: [&str; 1] = ["minimum_password_length"];

/// Fewer characters than NIST SP 800-63B §5.1.1 allows are refused, and more than anybody types.
const LENGTHS: std::ops::RangeInclusive<i64> = 8..=128;

pub(super) fn read(section: &Reader<'_>, common: &Common<'_>) -> AccountSettings {
    let default = i64::try_from(DEFAULT_MINIMUM_LENGTH).unwrap_or(12);
    let minimum = section.integer("minimum_password_length", default, LENGTHS);
    AccountSettings {
        provider: common.id.to_owned(),
        minimum_password_length: usize::try_from(minimum).unwrap_or(DEFAULT_MINIMUM_LENGTH),
    }
}
