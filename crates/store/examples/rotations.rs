//! How many durable refresh rotations a second: `cargo run -p store --example rotations -- [TASKS
//! [URL]]`.
//!
//! Each of 1, 4, 16 and 64 tasks (or as many as told) rotates its own grant's token again and
//! again, with the look-up that the token endpoint makes before each. Without a URL the database is
//! a SQLite file in a temporary directory. A debug build shows where the time goes, not what a release does.
#![expect(clippy::unwrap_used, reason = "a measurement stops at the first error")]
#![expect(clippy::print_stdout, reason = "the figures are the purpose")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

mod processor_time;

use std::time::{Duration, Instant};

use kernel::{Hashed, Id, OsRandom, Plain, Timestamp};
use model::authorization::Asking;
use model::code::CodeSecret;
use model::person::SessionSecret;
use model::refresh_token::RefreshSecret;
use model::{Authorization, AuthorizationRequest, ClientId, ClientOrigin, Code, Identity, Stage};
use protocol::pkce::CodeChallenge;
use protocol::{RedirectUri, ResourceUri, Scopes, UserType};
use store::unit::{
    Approve, BeginAuthorization, Consent, IssuedToken, NewRefreshToken, RedeemCode,
    ResumeAuthorization, Room, RotateOutcome, RotateRefresh, SignIn, SignInOutcome, Successor,
    UpstreamRefresh,
};
use store::{Store, StoreOptions};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const RUN: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() {
    let directory = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}", directory.path().join("rotations.db").display());
    let tasks = std::env::args().nth(1).and_then(|tasks| tasks.parse().ok());
    let url = std::env::args().nth(2).unwrap_or(file);
    let store = Store::open(StoreOptions::new(url)).await.unwrap();
    store.migrate().await.unwrap();
    println!(
        "{store:?}\n{:>6} {:>12} {:>9} {:>9} {:>9}",
        "tasks", "rotations/s", "p50 ms", "p99 ms", "CPU µs"
    );
    for tasks in tasks.map_or_else(|| vec![1, 4, 16, 64], |tasks| vec![tasks]) {
        measure(&store, tasks).await;
    }
    store.close().await;
}

async fn measure(store: &Store, tasks: usize) {
    let mut running = Vec::new();
    for _ in 0..tasks {
        let token = grant(store).await;
        running.push(tokio::spawn(rotate_until(store.clone(), token, Instant::now() + RUN)));
    }
    let mut latencies = Vec::new();
    let used_before = processor_time::seconds();
    for task in running {
        latencies.extend(task.await.unwrap());
    }
    let used = processor_time::seconds() - used_before;
    latencies.sort_unstable();
    let at = |percent: usize| latencies[latencies.len() * percent / 100].as_secs_f64() * 1000.0;
    let count = f64::from(u32::try_from(latencies.len()).unwrap());
    let rate = count / RUN.as_secs_f64();
    let each = used * 1e6 / count;
    println!("{tasks:>6} {rate:>12.0} {:>9.2} {:>9.2} {each:>9.0}", at(50), at(99));
}

async fn rotate_until(
    store: Store,
    mut token: Hashed<RefreshSecret>,
    end: Instant,
) -> Vec<Duration> {
    let random = OsRandom::new();
    let mut latencies = Vec::new();
    while Instant::now() < end {
        let successor = Plain::<RefreshSecret>::generate(&random).hash();
        let begun = Instant::now();
        let mut reader = store.read().await.unwrap();
        let found = store::refresh_token::find(reader.conn(), &token).await.unwrap();
        let (_, grant, _) = found.unwrap();
        drop(reader);
        let unit = RotateRefresh {
            hash: token,
            grant: grant.id,
            client: ClientId::from_text("bench"),
            issued: IssuedToken {
                id: "a".repeat(22),
                subject: grant.subject,
                organization: None,
                resource: grant.resource,
            },
            successor: Successor {
                hash: successor.clone(),
                sealed: "x".repeat(128),
                expires_at: NOW.plus_seconds(7_776_000),
            },
            grace_millis: 120_000,
            now: NOW,
        };
        assert_eq!(store.write(unit).await.unwrap(), RotateOutcome::Rotated);
        latencies.push(begun.elapsed());
        token = successor;
    }
    latencies
}

/// A person, a consent, a code: a grant with its first refresh token.
async fn grant(store: &Store) -> Hashed<RefreshSecret> {
    let random = OsRandom::new();
    let sign_in = SignIn {
        candidate_id: Id::generate(&random),
        identity: Identity {
            provider: "demo".into(),
            external_id: "ada".into(),
            name: "Ada".into(),
            groups: vec!["staff".into()],
            ..Identity::default()
        },
        user_type: UserType::Basic,
        session: (Plain::<SessionSecret>::generate(&random).hash(), NOW.plus_seconds(60)),
        replaces: None,
        upstream_session: None,
        logout_hint_sealed: None,
        upstream_refresh: UpstreamRefresh::Forget,
        one_time: None,
        now: NOW,
    };
    let session = sign_in.session.0.clone();
    let SignInOutcome::SignedIn(person) = store.write(sign_in).await.unwrap() else {
        panic!("nobody is disabled")
    };
    let authorization = Authorization {
        handle: Plain::generate(&random).hash(),
        browser: Plain::generate(&random).hash(),
        request: AuthorizationRequest {
            client: ClientId::from_text("bench"),
            client_name: "Bench".into(),
            client_origin: ClientOrigin::Configured,
            redirect_uri: RedirectUri::from_stored("http://127.0.0.1/cb").unwrap(),
            state: None,
            scopes: Scopes::READ,
            resource: ResourceUri::parse("https://mcp.example.com/mcp").unwrap(),
            challenge: CodeChallenge::from_stored("x".repeat(43)),
            authenticated_after: NOW,
            client_metadata: Hashed::from_stored(""),
            asking: Asking::AsNeeded,
        },
        stage: Stage::Pending,
        created_at: NOW,
        expires_at: NOW.plus_seconds(600),
    };
    let (source, room) = (String::new(), Room::of(10_000));
    let begin = BeginAuthorization { authorization: authorization.clone(), source, room };
    store.write(begin).await.unwrap();
    let resume = ResumeAuthorization {
        handle: authorization.handle.clone(),
        browser: authorization.browser.clone(),
        subject: person.id.clone(),
        session: session.clone(),
        authenticated_at: NOW,
        bridge_jti: Plain::<CodeSecret>::generate(&random).hash().as_str().to_owned(),
        bridge_expires_at: NOW.plus_seconds(60),
        now: NOW,
    };
    store.write(resume).await.unwrap();
    let code = Plain::<CodeSecret>::generate(&random).hash();
    let request = authorization.request;
    let approve = Approve {
        handle: authorization.handle,
        browser: authorization.browser,
        subject: person.id.clone(),
        session,
        consent: Consent::Given,
        client_metadata: request.client_metadata.clone(),
        code: Code {
            hash: code.clone(),
            client: request.client.clone(),
            client_name: request.client_name,
            redirect_uri: request.redirect_uri,
            challenge: request.challenge,
            resource: request.resource,
            scopes: request.scopes,
            subject: person.id,
            organization: None,
            authenticated_at: NOW,
            created_at: NOW,
            expires_at: NOW.plus_seconds(600),
            failed_redemptions: 0,
            redeemed_as: None,
        },
        now: NOW,
    };
    store.write(approve).await.unwrap();
    let refresh = Plain::<RefreshSecret>::generate(&random).hash();
    let redeem = RedeemCode {
        hash: code,
        client: request.client,
        grant_id: Id::generate(&random),
        refresh: Some(NewRefreshToken { hash: refresh.clone(), expires_at: NOW.plus_seconds(60) }),
        token: "a".repeat(22),
        now: NOW,
    };
    store.write(redeem).await.unwrap();
    refresh
}
