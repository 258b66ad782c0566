//! One attempt to sign in at a local account, and what holds back too many of them.

use std::net::IpAddr;
use std::time::Duration;

use axum::http::request::Parts;
use kernel::Plain;
use model::Account;
use model::account::LockPolicy;
use model::device::{DEVICE_LIFETIME_SECONDS, DeviceSecret, NewDevice};
use sso::local::password;
use sso::local::totp::TotpSecret;
use store::unit::{Claimed, SettleSignIn, SettleSignInOutcome, Typed};

use super::ticket::Ticket;
use crate::answer::PageFailure;
use crate::browser::cookies::{CookieNames, value};
use crate::request;
use crate::server::AuthServer;

/// How long an attempt waits for its turn at the processor.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who tries.
pub(super) struct Attempt {
    address: IpAddr,
    device: Option<Plain<DeviceSecret>>,
}

/// What came of it.
pub(super) enum Verdict {
    /// The person may sign in.
    Right(Box<Right>),
    /// The password was right; the code is yet to come.
    NeedsCode(Box<Account>),
    /// Not the person, or not now. Nothing is said about why.
    Wrong,
}

/// A person who may sign in.
pub(super) struct Right {
    pub(super) account: Account,
    /// By which the browser is known from now on.
    pub(super) device: Plain<DeviceSecret>,
}

impl Attempt {
    pub(super) fn of(server: &AuthServer, parts: &Parts) -> Self {
        let names = CookieNames::of(&server.config);
        Self {
            address: request::peer(parts),
            device: value(&parts.headers, &names.device).and_then(Plain::parse),
        }
    }

    /// Checks a password. Known or not, locked or not: it takes the same work (T-LOGIN-02).
    pub(super) async fn password(
        &self,
        server: &AuthServer,
        username: &str,
        password: &str,
    ) -> Result<Verdict, PageFailure> {
        self.slow_down(server)?;
        let account = find_by_name(server, username).await?;
        let fits = verify(server, password, account.as_ref()).await?;
        let typed = if fits { Typed::RightPassword } else { Typed::WrongPassword };
        let who = match account {
            Some(account) => Claimed::Account(Box::new(account)),
            None => Claimed::Nobody { username: username.to_owned() },
        };
        self.settle(server, who, typed).await
    }

    /// Checks a code, and takes it: the database accepts a step once (RFC 6238 §5.2).
    pub(super) async fn code(
        &self,
        server: &AuthServer,
        account: &Account,
        code: &str,
    ) -> Result<Verdict, PageFailure> {
        self.slow_down(server)?;
        let step = totp(server, account)?.and_then(|secret| secret.step_of(code, server.now()));
        let typed = step.map_or(Typed::WrongCode, |step| Typed::RightCode { step });
        self.settle(server, Claimed::Account(Box::new(account.clone())), typed).await
    }

    /// The database has the last word: about locks, about attempts that were counted meanwhile and
    /// about codes that were used.
    async fn settle(
        &self,
        server: &AuthServer,
        who: Claimed,
        typed: Typed,
    ) -> Result<Verdict, PageFailure> {
        let now = server.now();
        let device = Plain::<DeviceSecret>::generate(&*server.random);
        let unit = SettleSignIn {
            who: who.clone(),
            typed,
            device: self.device.as_ref().map(Plain::hash),
            remember: NewDevice {
                hash: device.hash(),
                expires_at: now.plus_seconds(DEVICE_LIFETIME_SECONDS),
            },
            policy: LockPolicy::DEFAULT,
            now,
        };
        let outcome = server.store.write(unit).await?;
        if let SettleSignInOutcome::Refused { locked_until, .. } = &outcome {
            self.tell(&who, locked_until.is_some());
        }
        match (outcome, who) {
            (SettleSignInOutcome::Accepted, Claimed::Account(account)) => {
                Ok(Verdict::Right(Box::new(Right { account: *account, device })))
            }
            (SettleSignInOutcome::NeedsCode, Claimed::Account(account)) => {
                Ok(Verdict::NeedsCode(account))
            }
            _ => {
                server.meter.signed_in("local", "failed");
                Ok(Verdict::Wrong)
            }
        }
    }

    /// A name that nobody has is not written down: it may be a password in the wrong field.
    fn tell(&self, who: &Claimed, locked: bool) {
        let account = match who {
            Claimed::Account(account) => account.id.as_str(),
            Claimed::Nobody { .. } => "unknown",
        };
        tracing::info!(account, client.address = %self.address, "sign_in.local.failed");
        if locked {
            tracing::warn!(account, client.address = %self.address, "sign_in.local.locked");
        }
    }

    fn slow_down(&self, server: &AuthServer) -> Result<(), PageFailure> {
        if server.throttle.sign_in(self.address) { Ok(()) } else { Err(PageFailure::Overloaded) }
    }
}

/// The account of a ticket, if its password is still the one that was right.
pub(super) async fn find(
    server: &AuthServer,
    ticket: &Ticket,
) -> Result<Option<Account>, PageFailure> {
    let mut reader = server.store.read().await?;
    let found = store::account::find_by_id(reader.conn(), &ticket.account).await?;
    Ok(found.filter(|account| ticket.is_for(account)))
}

async fn find_by_name(server: &AuthServer, username: &str) -> Result<Option<Account>, PageFailure> {
    let mut reader = server.store.read().await?;
    Ok(store::account::find(reader.conn(), username).await?)
}

/// Argon2id on a blocking thread, a few at a time, so that signing in never starves the token
/// endpoint (T-LOGIN-04).
async fn verify(
    server: &AuthServer,
    password: &str,
    account: Option<&Account>,
) -> Result<bool, PageFailure> {
    let turn = tokio::time::timeout(PATIENCE, server.password_checks.acquire()).await;
    let _turn = turn.map_err(|_| PageFailure::Overloaded)?.map_err(|_| PageFailure::Overloaded)?;
    let password = zeroize::Zeroizing::new(password.to_owned());
    let hash = account.map(|account| account.password_hash.clone());
    tokio::task::spawn_blocking(move || password::verify(&password, hash.as_deref()))
        .await
        .map_err(|error| PageFailure::Unexpected(error.into()))
}

fn totp(server: &AuthServer, account: &Account) -> Result<Option<TotpSecret>, PageFailure> {
    let Some(sealed) = &account.totp_sealed else { return Ok(None) };
    let place = Account::totp_place(&account.id);
    let config = &server.config;
    let mut keys =
        std::iter::once(&config.key_encryption_key).chain(&config.old_key_encryption_keys);
    let bytes = keys.find_map(|key| key.open(sealed, &place).ok());
    let secret = bytes.and_then(|bytes| TotpSecret::from_bytes(&bytes).ok());
    secret
        .map(Some)
        .ok_or_else(|| PageFailure::Unexpected("a one-time secret does not open".into()))
}
