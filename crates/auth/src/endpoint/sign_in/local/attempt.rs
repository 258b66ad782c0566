//! One attempt to sign in at a local account, and what holds back too many of them.

use std::net::IpAddr;
use std::time::Duration;

use axum::http::request::Parts;
use model::account::LockPolicy;
use model::{Account, AccountId};
use sso::local::password;
use sso::local::totp::TotpSecret;
use store::unit::{AcceptSignIn, AcceptSignInOutcome, CountFailedSignIn, SignInFrom};

use crate::answer::PageFailure;
use crate::browser::cookies::{CookieNames, value};
use crate::request;
use crate::server::AuthServer;

/// How long an attempt waits for its turn at the processor.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who tries.
pub(super) struct Attempt {
    address: IpAddr,
    device: Option<String>,
}

/// What came of it.
pub(super) enum Verdict {
    /// The person may sign in.
    Right(Box<Account>),
    /// The password was right; the code is yet to come.
    NeedsCode(AccountId),
    /// Not the person, or not now. Nothing is said about why.
    Wrong,
}

impl Attempt {
    pub(super) fn of(server: &AuthServer, parts: &Parts) -> Self {
        let names = CookieNames::of(&server.config);
        Self {
            address: request::peer(parts),
            device: value(&parts.headers, &names.device).map(str::to_owned),
        }
    }

    /// Checks a password. A locked account takes as long as any other (T-LOGIN-02).
    pub(super) async fn password(
        &self,
        server: &AuthServer,
        username: &str,
        password: &str,
    ) -> Result<Verdict, PageFailure> {
        self.slow_down(server)?;
        let account = find_by_name(server, username).await?;
        let fits = verify(server, password, account.as_ref()).await?;
        match account {
            None => Ok(Verdict::Wrong),
            Some(account) if !fits => count(server, account.id).await,
            // Whether a lock holds is told after the code only: a right password in a locked
            // account looks like any other.
            Some(account) if account.totp_sealed.is_some() => {
                if self.may_enter(server, &account) {
                    Ok(Verdict::NeedsCode(account.id))
                } else {
                    Ok(Verdict::Wrong)
                }
            }
            Some(account) => self.accept(server, account, None).await,
        }
    }

    /// Checks a code, and takes it: the database accepts a step once (RFC 6238 §5.2).
    pub(super) async fn code(
        &self,
        server: &AuthServer,
        account: &AccountId,
        code: &str,
    ) -> Result<Verdict, PageFailure> {
        self.slow_down(server)?;
        let account = find(server, account).await?.ok_or_else(PageFailure::expired)?;
        match totp(server, &account)?.and_then(|secret| secret.step_of(code, server.now())) {
            Some(step) => self.accept(server, account, Some(step)).await,
            None => count(server, account.id).await,
        }
    }

    /// The database has the last word: about the lock, about attempts that were counted meanwhile
    /// and about codes that were used.
    async fn accept(
        &self,
        server: &AuthServer,
        seen: Account,
        totp_step: Option<i64>,
    ) -> Result<Verdict, PageFailure> {
        let from = self.comes_from(server, &seen);
        let unit = AcceptSignIn { seen: seen.clone(), from, totp_step, now: server.now() };
        match server.store.write(unit).await? {
            AcceptSignInOutcome::Accepted => Ok(Verdict::Right(Box::new(seen))),
            AcceptSignInOutcome::CodeUsed | AcceptSignInOutcome::Refused => Ok(Verdict::Wrong),
        }
    }

    /// Somebody else's wrong guesses do not keep the person out of a browser in which the person
    /// signed in before: a lock is for strangers.
    fn comes_from(&self, server: &AuthServer, account: &Account) -> SignInFrom {
        let known = self.device.as_deref();
        if known.is_some_and(|token| server.csrf.is_device_of(token, &account.id)) {
            SignInFrom::KnownBrowser
        } else {
            SignInFrom::Stranger
        }
    }

    fn may_enter(&self, server: &AuthServer, account: &Account) -> bool {
        let is_known = self.comes_from(server, account) == SignInFrom::KnownBrowser;
        account.disabled_at.is_none() && (is_known || !account.is_locked(server.now()))
    }

    fn slow_down(&self, server: &AuthServer) -> Result<(), PageFailure> {
        if server.throttle.sign_in(self.address) { Ok(()) } else { Err(PageFailure::Overloaded) }
    }
}

async fn count(server: &AuthServer, account: AccountId) -> Result<Verdict, PageFailure> {
    let unit = CountFailedSignIn { account, policy: LockPolicy::DEFAULT, now: server.now() };
    server.store.write(unit).await?;
    server.meter.signed_in("local", "failed");
    Ok(Verdict::Wrong)
}

async fn find(server: &AuthServer, id: &AccountId) -> Result<Option<Account>, PageFailure> {
    let mut reader = server.store.read().await?;
    Ok(store::account::find_by_id(reader.conn(), id).await?)
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
