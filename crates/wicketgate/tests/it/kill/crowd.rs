//! Two hundred requests on their way when the kill comes: codes that are redeemed beside tokens that are
//! rotated. `make soak` asks for more rounds by `WICKETGATE_KILL_ROUNDS`.

use std::time::Duration;

use testkit::{Answer, Ask, Client, Engine, Place, Tick, Tokens};

use super::{begin, finish, redemption, reused, rotation};
use crate::world::Plan;

const CODES: usize = 60;
const FAMILIES: usize = 140;
const ROUNDS: u32 = 10;

/// T-STO-01, T-STO-02, T-STO-09, TC-2, RT-8 on SQLite.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_sto_01_and_02_two_hundred_at_once_on_sqlite() {
    crowd(Engine::Sqlite).await;
}

/// T-STO-01, T-STO-02, T-STO-09, TC-2, RT-8 on PostgreSQL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_sto_01_and_02_two_hundred_at_once_on_postgres() {
    crowd(Engine::Postgres).await;
}

/// No code is redeemed twice, no client is left with a dead token while the server thinks that it lives, and
/// nothing that was answered is lost.
async fn crowd(engine: Engine) {
    let mut process = Plan::on(engine).start_process().await;
    let client = process.place().client().await;
    let mut families = Vec::new();
    for (code, ask) in codes(process.place(), &client, FAMILIES).await {
        families.push(Tokens::of(&client.exchange(&code, &ask).await).refresh);
    }
    let mut kills = Kills::default();
    for round in 0..rounds() {
        let here = client.at(process.place());
        let codes = codes(process.place(), &here, CODES).await;
        let reused_before = reused(&process.dump().await);
        let redeemed = codes.iter().map(|(code, ask)| redemption(&here, code, ask));
        let rotated = families.iter().map(|token| rotation(&here, token));
        // Mixed, so that both kinds are met wherever the kill comes.
        let mut sent: Vec<_> = redeemed.chain(rotated).enumerate().collect();
        sent.sort_by_key(|(number, _)| number % 7);
        let (numbers, sent): (Vec<_>, Vec<_>) =
            sent.into_iter().map(|(number, request)| (number, begin(request))).unzip();
        process.kill_after(kills.next_delay(round));
        let mut first: Vec<_> = numbers.into_iter().zip(finish(sent).await).collect();
        first.sort_by_key(|(number, _)| *number);
        let first: Vec<_> = first.into_iter().map(|(_, answer)| answer).collect();
        let (redeemed, rotated) = first.split_at(CODES);
        kills.met(first.iter().flatten().count());
        process.restart().await;
        let here = client.at(process.place());

        judge_codes(&here, &codes, redeemed).await;
        families = judge_families(&here, &families, rotated).await;
        let dump = process.dump().await;
        let known = rotated.iter().flatten().count();
        assert!(reused(&dump) - reused_before >= known, "an answer was given before its commit");
        assert_eq!(dump.live_leaves(), dump.count("OAUTH_GRANT"), "one leaf for each grant");
    }
    assert!(kills.answered > 0 && kills.lost > 0, "{kills:?}");
}

/// A second redemption: refused if the first one was kept, whether its answer arrived or not, and then
/// nobody holds anything (TC-3). Otherwise it is the first.
async fn judge_codes(client: &Client, codes: &[(String, Ask)], first: &[Option<Answer>]) {
    let again = codes.iter().map(|(code, ask)| begin(redemption(client, code, ask))).collect();
    for (first, second) in first.iter().zip(finish(again).await) {
        let second = second.expect("the second life answers");
        if second.status == 200 {
            assert!(first.is_none(), "one code gave tokens twice");
        } else {
            second.refuses(400, "invalid_grant");
        }
        if let Some(first) = first {
            let refreshed = client.refresh(&Tokens::of(first).refresh).await;
            assert_eq!(refreshed.status, 400, "a code that two parties hold leaves no live token");
        }
    }
}

/// Each client sends its request again, and what it gets works: it is the successor that it may have seen.
async fn judge_families(
    client: &Client,
    families: &[String],
    first: &[Option<Answer>],
) -> Vec<String> {
    let again = families.iter().map(|token| begin(rotation(client, token))).collect();
    let mut successors = Vec::new();
    for (first, second) in first.iter().zip(finish(again).await) {
        let successor = Tokens::of(&second.expect("the second life answers")).refresh;
        if let Some(first) = first {
            assert_eq!(Tokens::of(first).refresh, successor, "two successors");
        }
        successors.push(successor);
    }
    successors
}

/// When to kill, and what that met.
#[derive(Debug)]
struct Kills {
    delay: Duration,
    answered: usize,
    lost: usize,
}

impl Default for Kills {
    fn default() -> Self {
        Self { delay: Duration::from_millis(60), answered: 0, lost: 0 }
    }
}

impl Kills {
    /// Mostly where the round before found answers and losses side by side; every fifth time at once.
    fn next_delay(&self, round: u32) -> Duration {
        if round % 5 == 4 { Duration::ZERO } else { self.delay }
    }

    fn met(&mut self, answered: usize) {
        self.answered += answered;
        self.lost += CODES + FAMILIES - answered;
        let half = usize::midpoint(CODES, FAMILIES);
        self.delay = if answered > half { self.delay * 3 / 4 } else { self.delay * 5 / 4 };
    }
}

/// Codes for this client, in a browser in which one person stays signed in.
async fn codes(place: &Place, client: &Client, count: usize) -> Vec<(String, Ask)> {
    let person = place.person();
    person.sign_in(&client.ask(), "basic").await;
    let mut codes = Vec::new();
    for _ in 0..count {
        let ask = client.ask();
        codes.push((person.authorize(&ask, "basic", Tick::All).await.code().to_owned(), ask));
    }
    codes
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test is told by its environment how long it may take"
)]
fn rounds() -> u32 {
    let more = std::env::var("WICKETGATE_KILL_ROUNDS").ok();
    more.map_or(ROUNDS, |rounds| rounds.parse().expect("WICKETGATE_KILL_ROUNDS is a number"))
}
