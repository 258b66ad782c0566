//! The process is killed in the middle of its work and started again: nothing is ever half done,
//! and nothing is done twice.
//!
//! In each round several requests are on their way when the kill comes, from before they are sent
//! until after they are answered, so that each round meets most stages of the work.

mod crowd;

use std::time::Duration;

use kernel::encoding::sha256_base64url;
use testkit::{Answer, Ask, Client, Dump, Engine, Tick, Tokens};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use crate::world::{Plan, Process};

/// Requests on their way at the same time.
const LANES: usize = 6;
/// Kills at least; more follow if a stage was not met yet.
const ROUNDS: u32 = 20;
const MOST_ROUNDS: u32 = 60;

/// How far a request had come when the process was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing is kept of it.
    Nothing,
    /// Committed, and the client does not know.
    Committed,
    /// The client has the answer.
    Answered,
}

/// When to kill, and how many requests were met at each stage by that.
#[derive(Debug)]
struct Kills {
    rounds: u32,
    /// How long all requests of a round take when nobody disturbs them.
    undisturbed: Duration,
    /// The moment that found about half of them answered.
    middle: Duration,
    /// What `answered` was before the last round.
    answered_before: usize,
    nothing: usize,
    committed: usize,
    answered: usize,
}

/// T-STO-01, T-STO-09, TC-7: a code gives tokens once at most, over all lives of the process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_sto_01_killed_while_codes_are_redeemed_on_sqlite() {
    codes(Engine::Sqlite).await;
}

/// T-STO-01 on the other database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_sto_01_killed_while_codes_are_redeemed_on_postgres() {
    codes(Engine::Postgres).await;
}

/// T-STO-02, T-STO-09, RT-8: whoever lost the answer gets the same successor; whoever lost the
/// request still has a token that works. There is always exactly one leaf.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_sto_02_killed_while_tokens_are_rotated_on_sqlite() {
    rotations(Engine::Sqlite).await;
}

/// T-STO-02 on the other database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_sto_02_killed_while_tokens_are_rotated_on_postgres() {
    rotations(Engine::Postgres).await;
}

async fn codes(engine: Engine) {
    let mut process = Plan::on(engine).start_process().await;
    let client = process.place().client().await;
    let mut kills = Kills::new(measure_codes(&process, &client).await);
    while let Some(delay) = kills.next_delay() {
        let here = client.at(process.place());
        let codes = some_codes(&process, &here).await;
        let sent = codes.iter().map(|(code, ask)| begin(redemption(&here, code, ask))).collect();
        process.kill_after(delay);
        let first = finish(sent).await;
        process.restart().await;
        let here = client.at(process.place());
        let again = codes.iter().map(|(code, ask)| begin(redemption(&here, code, ask))).collect();
        let second = finish(again).await;
        let dump = process.dump().await;
        for (((code, _), first), second) in codes.iter().zip(&first).zip(&second) {
            let second = second.as_ref().expect("the second life answers");
            let stage = judge_code(&dump, code, first.as_ref(), second);
            kills.met(stage, 1);
            // Two parties have seen this code (TC-3), or one has had tokens for it.
            let tokens = first.as_ref().unwrap_or(second);
            if tokens.status == 200 {
                let refreshed = here.refresh(&Tokens::of(tokens).refresh).await;
                let lives = stage == Stage::Nothing;
                assert_eq!(refreshed.status, if lives { 200 } else { 400 }, "{stage:?}");
            }
        }
        // No half grants: each redeemed code has a grant, each grant has its first token.
        let redeemed =
            dump.rows("OAUTH_CODE").len() - dump.count_with("OAUTH_CODE", "redeemed_as=NULL");
        assert_eq!(dump.count("OAUTH_GRANT"), redeemed);
        assert_eq!(dump.count_with("OAUTH_REFRESH_TOKEN", "parent_hash=NULL"), redeemed);
        assert_eq!(dump.count_with("OAUTH_AUDIT", "kind=code.redeemed "), redeemed);
    }
    assert!(kills.met_all(), "{kills:?}");
}

/// What happened to a code in the first life, told by both answers and the database.
fn judge_code(dump: &Dump, code: &str, first: Option<&Answer>, second: &Answer) -> Stage {
    let hash = format!("code_hash={} ", sha256_base64url(code.as_bytes()));
    let row = dump.rows("OAUTH_CODE").iter().find(|row| row.contains(&hash)).expect("the code");
    let grant = row.split(' ').find_map(|pair| pair.strip_prefix("redeemed_as=")).expect("a grant");
    let grant = format!("grant_id={grant} ");
    let grants: Vec<_> =
        dump.rows("OAUTH_GRANT").iter().filter(|row| row.contains(&grant)).collect();
    assert_eq!(grants.len(), 1, "{row}");
    let lives = grants[0].contains("revoked_at=NULL");
    if second.status == 200 {
        assert!(first.is_none(), "one code gave tokens twice");
        assert!(lives, "{}", grants[0]);
        return Stage::Nothing;
    }
    second.refuses(400, "invalid_grant");
    assert!(!lives && grants[0].contains("revocation_reason=code_replay"), "{}", grants[0]);
    match first {
        None => Stage::Committed,
        Some(first) => {
            assert_eq!(first.status, 200, "{}", first.body);
            Stage::Answered
        }
    }
}

async fn rotations(engine: Engine) {
    let mut process = Plan::on(engine).start_process().await;
    let client = process.place().client().await;
    let mut families = Vec::new();
    for (code, ask) in some_codes(&process, &client).await {
        families.push(Tokens::of(&client.exchange(&code, &ask).await).refresh);
    }
    let begun = Instant::now();
    families = refreshed(&client, &families).await;
    let mut kills = Kills::new(begun.elapsed());
    while let Some(delay) = kills.next_delay() {
        let reused_before = reused(&process.dump().await);
        let here = client.at(process.place());
        let sent = families.iter().map(|token| begin(rotation(&here, token))).collect();
        process.kill_after(delay);
        let first = finish(sent).await;
        process.restart().await;
        let here = client.at(process.place());
        // A client that does not know what became of its request sends it again.
        let second = refreshed(&here, &families).await;
        let dump = process.dump().await;
        assert_eq!(dump.live_leaves(), LANES, "one leaf for each family");
        let kept = reused(&dump) - reused_before;
        let mut answered = 0;
        for (first, second) in first.iter().zip(&second) {
            if let Some(first) = first {
                assert_eq!(&Tokens::of(first).refresh, second, "two successors");
                answered += 1;
            }
        }
        assert!(kept >= answered, "an answer was given before its commit");
        kills.met(Stage::Answered, answered);
        kills.met(Stage::Committed, kept - answered);
        kills.met(Stage::Nothing, LANES - kept);
        // And what came of it works like any other.
        families = refreshed(&here, &second).await;
        assert_eq!(process.dump().await.live_leaves(), LANES);
    }
    let dump = process.dump().await;
    assert_eq!(dump.count_with("OAUTH_GRANT", "revoked_at=NULL"), LANES);
    assert!(kills.met_all(), "{kills:?}");
}

impl Kills {
    fn new(undisturbed: Duration) -> Self {
        Self {
            rounds: 0,
            undisturbed,
            middle: undisturbed / 2,
            answered_before: 0,
            nothing: 0,
            committed: 0,
            answered: 0,
        }
    }

    /// How long after the sending the next kill comes: sometimes at once, sometimes late, and
    /// mostly where the round before found commits and answers side by side.
    fn next_delay(&mut self) -> Option<Duration> {
        if self.rounds >= MOST_ROUNDS || self.rounds >= ROUNDS && self.met_all() {
            return None;
        }
        let answered = self.answered - self.answered_before;
        self.answered_before = self.answered;
        let last = self.rounds.checked_sub(1).map(|last| last % 5);
        if last.is_some_and(|last| last >= 2) {
            let steps = if answered * 2 > LANES { 17 } else { 23 };
            self.middle = self.middle * steps / 20;
        }
        let delay = match self.rounds % 5 {
            0 => Duration::ZERO,
            1 => self.undisturbed * 3 / 2,
            _ => self.middle,
        };
        self.rounds += 1;
        Some(delay)
    }

    fn met(&mut self, stage: Stage, requests: usize) {
        match stage {
            Stage::Nothing => self.nothing += requests,
            Stage::Committed => self.committed += requests,
            Stage::Answered => self.answered += requests,
        }
    }

    fn met_all(&self) -> bool {
        self.nothing > 0 && self.committed > 0 && self.answered > 0
    }
}

/// New codes for this client, each from a person of its own.
async fn some_codes(process: &Process, client: &Client) -> Vec<(String, Ask)> {
    let mut people = JoinSet::new();
    for _ in 0..LANES {
        let (person, ask) = (process.place().person(), client.ask());
        people.spawn(async move {
            let returned = person.authorize(&ask, "basic", Tick::All).await;
            (returned.code().to_owned(), ask)
        });
    }
    people.join_all().await
}

/// How long it takes to redeem codes when nobody disturbs it.
async fn measure_codes(process: &Process, client: &Client) -> Duration {
    let codes = some_codes(process, client).await;
    let begun = Instant::now();
    let sent = codes.iter().map(|(code, ask)| begin(redemption(client, code, ask))).collect();
    for answer in finish(sent).await {
        Tokens::of(&answer.expect("an answer"));
    }
    begun.elapsed()
}

/// The successors of these tokens.
async fn refreshed(client: &Client, tokens: &[String]) -> Vec<String> {
    let sent = tokens.iter().map(|token| begin(rotation(client, token))).collect();
    let answers = finish(sent).await;
    answers.iter().map(|answer| Tokens::of(answer.as_ref().expect("an answer")).refresh).collect()
}

fn redemption(client: &Client, code: &str, ask: &Ask) -> reqwest::RequestBuilder {
    let grant = ("grant_type", "authorization_code");
    client.request("/token", &[grant, ("code", code), ("code_verifier", &ask.verifier)])
}

fn rotation(client: &Client, token: &str) -> reqwest::RequestBuilder {
    client.request("/token", &[("grant_type", "refresh_token"), ("refresh_token", token)])
}

/// Sends a request. Nothing comes back if the process ends before the answer is complete.
fn begin(request: reqwest::RequestBuilder) -> JoinHandle<Option<Answer>> {
    tokio::spawn(async move { Answer::try_to(request).await.ok() })
}

async fn finish(sent: Vec<JoinHandle<Option<Answer>>>) -> Vec<Option<Answer>> {
    let mut answers = Vec::new();
    for request in sent {
        answers.push(request.await.expect("no panic"));
    }
    answers
}

fn reused(dump: &Dump) -> usize {
    dump.count_with("OAUTH_AUDIT", "kind=refresh.reused_in_window ")
}
