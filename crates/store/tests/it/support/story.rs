//! The usual people, clients and steps, so that a test tells only what is its own.

use std::collections::HashMap;
use std::sync::Mutex;

use kernel::{Hashed, Id, OsRandom, Plain, Timestamp};
use model::authorization::{Asking, AuthorizationHandle, BrowserBinding};
use model::code::CodeSecret;
use model::person::SessionSecret;
use model::refresh_token::RefreshSecret;
use model::{
    Authorization, AuthorizationRequest, Client, ClientAuth, ClientId, ClientOrigin, Code, Grant,
    GrantId, Identity, Stage, Subject,
};
use protocol::identity::Email;
use protocol::pkce::CodeChallenge;
use protocol::{RedirectUri, ResourceUri, Scopes, UserType};
use store::Store;
use store::unit::{
    Approve, ApproveOutcome, BeginAuthorization, BeginOutcome, Consent, DeniedBy, Deny,
    IssuedToken, NewRefreshToken, RedeemCode, RedeemOutcome, RegisterClient, ResumeAuthorization,
    ResumeOutcome, Room, RotateRefresh, SignIn, SignInOutcome, Successor, UpstreamRefresh,
};

use super::Database;

/// When every story begins.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// The window that stories use, in milliseconds.
pub(crate) const GRACE: i64 = 120_000;

/// A fresh secret.
pub(crate) fn secret<P: kernel::secret::Purpose>() -> Plain<P> {
    Plain::generate(&OsRandom::new())
}

/// A fresh id.
pub(crate) fn id<K: kernel::id::Kind>() -> Id<K> {
    Id::generate(&OsRandom::new())
}

/// A person with a browser and a client.
pub(crate) struct Story<'d> {
    pub(crate) store: &'d Store,
    pub(crate) client: Client,
    pub(crate) person: Subject,
    /// The person's session in the browser.
    pub(crate) session: Hashed<SessionSecret>,
    pub(crate) browser: Hashed<BrowserBinding>,
    /// Which grant a refresh token belongs to, as the look-up before a rotation says.
    grants: Mutex<HashMap<String, GrantId>>,
}

/// What is left of a redeemed code.
pub(crate) struct Granted {
    pub(crate) grant: Grant,
    pub(crate) code: Hashed<CodeSecret>,
    pub(crate) refresh: Plain<RefreshSecret>,
}

/// A client as it registers itself.
pub(crate) fn client() -> Client {
    let name = secret::<SessionSecret>().hash();
    Client {
        id: ClientId::from_text(format!("{}{}", ClientId::PREFIX, name.fingerprint())),
        name: format!("Inspector {}", name.fingerprint()),
        origin: ClientOrigin::Dynamic,
        redirect_uris: vec![RedirectUri::from_stored("http://127.0.0.1:6274/cb").unwrap()],
        auth: ClientAuth::None,
        refresh_tokens: true,
        scopes: Scopes::ALL,
        created_at: NOW,
    }
}

/// A person's sign-in at the demo provider.
pub(crate) fn sign_in(external_id: &str) -> SignIn {
    SignIn {
        candidate_id: id(),
        identity: Identity {
            provider: "demo".into(),
            external_id: external_id.into(),
            name: "Ada".into(),
            email: Some(Email { address: "ada@example.com".into(), verified: false }),
            groups: vec!["staff".into()],
            ..Identity::default()
        },
        user_type: UserType::Basic,
        session: (secret().hash(), NOW.plus_seconds(3600)),
        replaces: None,
        upstream_session: None,
        logout_hint_sealed: None,
        upstream_refresh: UpstreamRefresh::Forget,
        one_time: None,
        now: NOW,
    }
}

/// A fresh authorization of a client in a browser.
pub(crate) fn authorization(client: &Client, browser: &Hashed<BrowserBinding>) -> Authorization {
    Authorization {
        handle: secret::<AuthorizationHandle>().hash(),
        browser: browser.clone(),
        request: AuthorizationRequest {
            client: client.id.clone(),
            client_name: client.name.clone(),
            client_origin: client.origin,
            redirect_uri: RedirectUri::from_stored("http://127.0.0.1:50123/cb").unwrap(),
            state: Some("st ate\"'".into()),
            scopes: Scopes::ALL,
            resource: ResourceUri::parse("https://mcp.example.com/mcp").unwrap(),
            challenge: CodeChallenge::from_stored("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            authenticated_after: Timestamp::from_millis(0),
            client_metadata: client.metadata_hash(),
            asking: Asking::AsNeeded,
        },
        stage: Stage::Pending,
        created_at: NOW,
        expires_at: NOW.plus_seconds(600),
    }
}

async fn signed_in(store: &Store, unit: SignIn) -> (Subject, Hashed<SessionSecret>) {
    let session = unit.session.0.clone();
    match store.write(unit).await.unwrap() {
        SignInOutcome::SignedIn(person) => (*person, session),
        other => panic!("nobody is disabled, but: {other:?}"),
    }
}

impl<'d> Story<'d> {
    /// The client is registered and the person signed in.
    pub(crate) async fn begin(database: &'d Database) -> Self {
        let store = &database.store;
        let client = client();
        let register =
            RegisterClient { client: client.clone(), source: String::new(), max_unused: 1000 };
        store.write(register).await.unwrap();
        let (person, session) = signed_in(store, sign_in("ada")).await;
        let grants = Mutex::default();
        Self { store, client, person, session, browser: secret().hash(), grants }
    }

    /// Goes on with another person in the browser.
    pub(crate) async fn sign_in(&mut self, unit: SignIn) {
        (self.person, self.session) = signed_in(self.store, unit).await;
    }

    /// An authorization waits for the person.
    pub(crate) async fn ask(&self) -> Authorization {
        let authorization = authorization(&self.client, &self.browser);
        let begin = BeginAuthorization {
            authorization: authorization.clone(),
            source: String::new(),
            room: Room::of(1000),
        };
        assert_eq!(self.store.write(begin).await.unwrap(), BeginOutcome::Begun);
        authorization
    }

    /// The return of the person over the bridge, not yet run.
    pub(crate) fn resume(&self, authorization: &Authorization) -> ResumeAuthorization {
        ResumeAuthorization {
            handle: authorization.handle.clone(),
            browser: self.browser.clone(),
            subject: self.person.id.clone(),
            session: self.session.clone(),
            authenticated_at: NOW,
            bridge_jti: secret::<SessionSecret>().hash().as_str().to_owned(),
            bridge_expires_at: NOW.plus_seconds(60),
            now: NOW,
        }
    }

    /// An authorization at the consent page.
    pub(crate) async fn at_consent(&self) -> Authorization {
        let authorization = self.ask().await;
        let resume = self.resume(&authorization);
        assert_eq!(self.store.write(resume).await.unwrap(), ResumeOutcome::Resumed);
        authorization
    }

    /// The approval of an authorization, not yet run.
    pub(crate) fn approve(&self, authorization: &Authorization) -> Approve {
        let request = &authorization.request;
        Approve {
            handle: authorization.handle.clone(),
            browser: self.browser.clone(),
            subject: self.person.id.clone(),
            session: self.session.clone(),
            consent: Consent::Given,
            client_metadata: request.client_metadata.clone(),
            code: Code {
                hash: secret::<CodeSecret>().hash(),
                client: request.client.clone(),
                client_name: request.client_name.clone(),
                redirect_uri: request.redirect_uri.clone(),
                challenge: request.challenge.clone(),
                resource: request.resource.clone(),
                scopes: Scopes::READ,
                subject: self.person.id.clone(),
                organization: None,
                authenticated_at: NOW,
                created_at: NOW,
                expires_at: NOW.plus_seconds(600),
                failed_redemptions: 0,
                redeemed_as: None,
            },
            now: NOW,
        }
    }

    /// The refusal of an authorization, not yet run.
    pub(crate) fn deny(&self, authorization: &Authorization) -> Deny {
        Deny {
            handle: authorization.handle.clone(),
            browser: self.browser.clone(),
            by: DeniedBy::Session(self.person.id.clone(), self.session.clone()),
            now: NOW,
        }
    }

    /// A code in the hands of the client.
    pub(crate) async fn code(&self) -> Hashed<CodeSecret> {
        let approve = self.approve(&self.at_consent().await);
        let code = approve.code.hash.clone();
        assert_eq!(self.store.write(approve).await.unwrap(), ApproveOutcome::Approved);
        code
    }

    /// The redemption of a code, not yet run.
    pub(crate) fn redeem(&self, code: &Hashed<CodeSecret>) -> RedeemCode {
        self.redeem_for(code, &secret())
    }

    fn redeem_for(&self, code: &Hashed<CodeSecret>, refresh: &Plain<RefreshSecret>) -> RedeemCode {
        RedeemCode {
            hash: code.clone(),
            client: self.client.id.clone(),
            grant_id: id(),
            refresh: Some(NewRefreshToken {
                hash: refresh.hash(),
                expires_at: NOW.plus_seconds(7_776_000),
            }),
            token: "token-0".to_owned(),
            now: NOW,
        }
    }

    /// A grant with its first refresh token.
    pub(crate) async fn granted(&self) -> Granted {
        let code = self.code().await;
        let refresh = secret();
        let redeem = self.redeem_for(&code, &refresh);
        match self.store.write(redeem).await.unwrap() {
            RedeemOutcome::Redeemed(grant) => {
                self.belongs(&refresh.hash(), &grant.id);
                Granted { grant: *grant, code, refresh }
            }
            other => panic!("the code is fresh, but: {other:?}"),
        }
    }

    /// A rotation at a moment, not yet run. The "sealed" successor is recognisable in tests.
    pub(crate) fn rotate(
        &self,
        parent: &Hashed<RefreshSecret>,
        successor: &Hashed<RefreshSecret>,
        now: Timestamp,
    ) -> RotateRefresh {
        let grant = self.grants.lock().unwrap().get(parent.as_str()).cloned();
        let grant = grant.unwrap_or_else(id);
        self.belongs(successor, &grant);
        RotateRefresh {
            hash: parent.clone(),
            grant,
            client: self.client.id.clone(),
            issued: IssuedToken {
                id: "token-1".to_owned(),
                subject: self.person.id.clone(),
                organization: None,
                resource: ResourceUri::parse("https://mcp.example.com/mcp").unwrap(),
            },
            successor: Successor {
                hash: successor.clone(),
                sealed: sealed(successor),
                expires_at: now.plus_seconds(7_776_000),
            },
            grace_millis: GRACE,
            now,
        }
    }

    /// Notes whose a token is.
    pub(crate) fn belongs(&self, token: &Hashed<RefreshSecret>, grant: &GrantId) {
        self.grants.lock().unwrap().insert(token.as_str().to_owned(), grant.clone());
    }

    /// Whether a grant is revoked.
    pub(crate) async fn is_revoked(&self, grant: &GrantId) -> bool {
        let mut reader = self.store.read().await.unwrap();
        store::grant::find(reader.conn(), grant).await.unwrap().unwrap().revoked.is_some()
    }
}

/// What stands for a sealed token in these tests.
pub(crate) fn sealed(token: &Hashed<RefreshSecret>) -> String {
    format!("sealed:{}", token.as_str())
}
