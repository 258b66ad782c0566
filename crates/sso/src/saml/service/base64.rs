//! Base64 as XML has it: the standard alphabet, padded, with line breaks anywhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::flaw::Flaw;

/// The bytes.
///
/// # Errors
///
/// If there is anything else in the text (T-SAML-08): other alphabets, missing padding, spare bits.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, Flaw> {
    let compact: String = text.chars().filter(|c| !matches!(c, ' ' | '\t' | '\r' | '\n')).collect();
    STANDARD.decode(compact).map_err(|_| Flaw("what should be base64 is not".to_owned()))
}
