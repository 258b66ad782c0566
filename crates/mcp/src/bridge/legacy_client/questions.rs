//! What a server wants to know, put to a legacy client as requests on the stream of its own
//! request (D-53, D-03).

use std::time::Duration;

use kernel::encoding::base64url;
use protocol::jsonrpc::request;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::time::Instant;
use upstream::connection::ConnectionError;
use upstream::wire::json::{Members, Object, quoted};

use super::answers::{Given, Waiting};
use super::asker::Asker;
use super::forms::{self, Form, Told};
use super::state::PATIENCE_SECONDS;
use crate::access::Permit;
use crate::passthrough::front::ClientMessage;
use crate::reply::failure::{Failure, Limit, Unusable};

/// Marks the ids of our own questions.
pub(super) const PREFIX: &str = "wg.";
const PATIENCE: Duration = Duration::from_secs(PATIENCE_SECONDS.unsigned_abs());
/// How much one result may ask for at once.
const MOST_QUESTIONS: usize = 20;
const NONCE_BYTES: usize = 16;

/// A question that was put.
struct Open {
    key: String,
    form: Form,
    waiting: Waiting,
}

/// What a sealed id says.
pub(super) struct Address {
    /// The replica where the question waits.
    pub(super) owner: String,
    /// Where it waits there.
    pub(super) nonce: Box<str>,
}

/// Puts all questions and waits for all answers: `inputResponses`, as JSON.
pub(super) async fn put(
    asker: &Asker,
    requests: &RawValue,
    tell: &mpsc::Sender<ClientMessage>,
    told: &mut Told,
) -> Result<String, Failure> {
    let requests = Members::read(requests.get()).map_err(|_| ConnectionError::Garbled)?;
    if requests.iter().count() > MOST_QUESTIONS {
        return Err(Unusable::AsksTooMuch.into());
    }
    let forms = requests.iter().map(|(key, asked)| {
        Ok((key.to_owned(), forms::read(asked, &asker.declared, asker.seat.revision)?))
    });
    let forms: Vec<(String, Form)> = forms.collect::<Result<_, Failure>>()?;
    let mut open = Vec::with_capacity(forms.len());
    for (key, mut form) in forms {
        let nonce = nonce(asker);
        let waiting = Waiting::begin(asker, &nonce).ok_or(Failure::Limit(Limit::Requests))?;
        let params = form.params(told, || self::nonce(asker));
        let question = request(quoted(&seal(asker, &nonce)), form.method(), Some(&params));
        if tell.send(ClientMessage::before(question)).await.is_err() {
            return Err(Failure::NotAnswered);
        }
        open.push(Open { key, form, waiting });
    }
    gather(open, tell).await
}

async fn gather(open: Vec<Open>, tell: &mpsc::Sender<ClientMessage>) -> Result<String, Failure> {
    let deadline = Instant::now() + PATIENCE;
    let mut responses = Object::with_capacity(256);
    for Open { key, form, waiting } in open {
        let given = tokio::select! {
            given = tokio::time::timeout_at(deadline, waiting.given()) => given,
            // Answers travel by requests of their own, but a client without its stream does not
            // know what it is asked, or what for.
            () = tell.closed() => return Err(Failure::NotAnswered),
        };
        let given = given.unwrap_or(Given::Error);
        responses.member(&key, &form.response(given)?);
    }
    Ok(responses.finish())
}

fn nonce(asker: &Asker) -> Box<str> {
    let mut bytes = [0; NONCE_BYTES];
    asker.shared.sealing.random.fill(&mut bytes);
    base64url(&bytes).into()
}

/// The id of a question names where it waits, and opens for nobody but this principal.
fn seal(asker: &Asker, nonce: &str) -> String {
    let plain = format!("{}\n{nonce}", asker.shared.own_name());
    let sealing = &asker.shared.sealing;
    let place = place(&asker.permit);
    let sealed = sealing.key.seal(plain.as_bytes(), &place, &*sealing.random);
    [PREFIX, &sealed].concat()
}

/// Reads such an id; `None` if this principal was never asked under it.
pub(super) fn open(id: &str, permit: &Permit, key: &kernel::seal::SealingKey) -> Option<Address> {
    let plain = key.open(id.strip_prefix(PREFIX)?, &place(permit)).ok()?;
    let (owner, nonce) = std::str::from_utf8(&plain).ok()?.split_once('\n')?;
    Some(Address { owner: owner.to_owned(), nonce: nonce.into() })
}

fn place(permit: &Permit) -> String {
    format!("mcp question/{}", base64url(permit.principal()))
}
