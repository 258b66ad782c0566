//! Questions of the upstream, on their way to the client and back.
//!
//! The client sees a sealed id, which opens only in its own session: nobody else's answer gets
//! through, and none that was not asked for (G-20).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use kernel::encoding::base64url;
use serde_json::value::RawValue;
use upstream::wire::json::quoted;

use crate::sealing::Sealing;

/// The questions of one session that wait for their answers: the server's id and ours, both JSON.
#[derive(Default)]
pub(super) struct Questions(Mutex<HashMap<Box<str>, String>>);

/// Too many wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany;

/// Questions of one session that wait at the same time.
const WAITING: usize = 256;
/// Nothing of ours is longer.
const MAX_LENGTH: usize = 4096;

impl Questions {
    /// The id under which the client is asked.
    pub(super) fn ask(
        &self,
        sealing: &Sealing,
        session: &[u8; 32],
        id: &RawValue,
    ) -> Result<String, TooMany> {
        let sealed = sealing.key.seal(id.get().as_bytes(), &place(session), &*sealing.random);
        let sealed = quoted(&sealed);
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= WAITING || sealed.len() > MAX_LENGTH {
            return Err(TooMany);
        }
        waiting.insert(id.get().into(), sealed.clone());
        Ok(sealed)
    }

    /// The server's id of a question that the client now answers, once.
    pub(super) fn answered(
        &self,
        sealing: &Sealing,
        session: &[u8; 32],
        sealed: &str,
    ) -> Option<Box<RawValue>> {
        if sealed.len() > MAX_LENGTH {
            return None;
        }
        let opened = sealing.key.open(sealed, &place(session)).ok()?;
        let id = std::str::from_utf8(&opened).ok()?;
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.get(id).is_none_or(|asked| *asked != quoted(sealed)) {
            return None;
        }
        waiting.remove(id);
        RawValue::from_string(id.to_owned()).ok()
    }

    /// The server takes a question back; the id that the client knows.
    pub(super) fn cancelled(&self, id: &RawValue) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id.get())
    }
}

fn place(session: &[u8; 32]) -> String {
    format!("mcp question/{}", base64url(session))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Arc;

    use kernel::OsRandom;
    use kernel::seal::SealingKey;

    use super::*;

    fn sealing() -> Sealing {
        let key = Arc::new(SealingKey::from_bytes([7; 32]));
        Sealing { key, random: Arc::new(OsRandom::new()) }
    }

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    /// G-20: in its own session, and once.
    #[test]
    fn g_20_an_answer_counts_once_and_in_its_own_session() {
        let (questions, sealing) = (Questions::default(), sealing());
        let asked = questions.ask(&sealing, &[1; 32], &raw("\"s-1\"")).unwrap();
        let sealed: String = serde_json::from_str(&asked).unwrap();
        assert!(questions.answered(&sealing, &[2; 32], &sealed).is_none());
        assert!(questions.answered(&sealing, &[1; 32], "s-1").is_none());
        let id = questions.answered(&sealing, &[1; 32], &sealed).unwrap();
        assert_eq!(id.get(), "\"s-1\"");
        assert!(questions.answered(&sealing, &[1; 32], &sealed).is_none());
    }

    #[test]
    fn what_the_server_takes_back_is_no_question() {
        let (questions, sealing) = (Questions::default(), sealing());
        let asked = questions.ask(&sealing, &[1; 32], &raw("3")).unwrap();
        assert_eq!(questions.cancelled(&raw("3")).unwrap(), asked);
        let sealed: String = serde_json::from_str(&asked).unwrap();
        assert!(questions.answered(&sealing, &[1; 32], &sealed).is_none());
        for id in 0..WAITING {
            questions.ask(&sealing, &[1; 32], &raw(&id.to_string())).unwrap();
        }
        assert_eq!(questions.ask(&sealing, &[1; 32], &raw("-1")), Err(TooMany));
    }
}
