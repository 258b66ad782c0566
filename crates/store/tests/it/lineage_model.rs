//! T-CON-16: random sequences of operations on one grant, against a model of the rules.

use kernel::{Hashed, Timestamp};
use model::RevocationReason;
use model::refresh_token::RefreshSecret;
use store::unit::{RevokeGrant, RotateOutcome};

use crate::support::story::{GRACE, sealed, secret};
use crate::support::{Database, NOW, Story, check_invariants, on_each_database};

/// The rules of RT-4 to RT-8 in their plainest form: a list of generations, the last one live.
struct Family {
    tokens: Vec<Hashed<RefreshSecret>>,
    /// When each but the last was rotated.
    rotated_at: Vec<Timestamp>,
    revoked: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Rotated,
    Reused(String),
    Replayed { newly: bool },
    Refused,
}

impl Family {
    fn present(
        &mut self,
        generation: usize,
        next: Hashed<RefreshSecret>,
        now: Timestamp,
    ) -> Expected {
        let leaf = self.tokens.len() - 1;
        if generation == leaf {
            if self.revoked {
                return Expected::Refused;
            }
            self.tokens.push(next);
            self.rotated_at.push(now);
            return Expected::Rotated;
        }
        let in_window = now.as_millis() < self.rotated_at[generation].as_millis() + GRACE;
        let successor_is_leaf = generation + 1 == leaf;
        match (in_window && successor_is_leaf, self.revoked) {
            (true, true) => Expected::Refused,
            (true, false) => Expected::Reused(sealed(&self.tokens[leaf])),
            (false, was) => {
                self.revoked = true;
                Expected::Replayed { newly: !was }
            }
        }
    }
}

/// A small deterministic generator, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t_con_16_rotation_follows_the_model() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        for seed in 1..=12 {
            play(db, &story, seed).await;
        }
        check_invariants(db).await;
    })
    .await;
}

async fn play(db: &Database, story: &Story<'_>, seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let granted = story.granted().await;
    let mut family =
        Family { tokens: vec![granted.refresh.hash()], rotated_at: vec![], revoked: false };
    let mut now = NOW;
    for step in 0..24 {
        now = Timestamp::from_millis(now.as_millis() + i64::try_from(dice.roll(50_000)).unwrap());
        let place = format!("seed {seed}, step {step}");
        if dice.roll(20) == 0 {
            let unit = RevokeGrant {
                grant: granted.grant.id.clone(),
                reason: RevocationReason::Administrative,
                now,
            };
            db.store.write(unit).await.unwrap();
            family.revoked = true;
            continue;
        }
        // Mostly the leaf or its parent; sometimes anything older.
        let generations = u64::try_from(family.tokens.len()).unwrap();
        let back = if dice.roll(10) == 0 { dice.roll(generations) } else { dice.roll(2) };
        let generation = usize::try_from(generations - 1 - back.min(generations - 1)).unwrap();
        let next: Hashed<RefreshSecret> = secret().hash();
        let unit = story.rotate(&family.tokens[generation], &next, now);
        let expected = family.present(generation, next, now);
        let replica = if dice.roll(2) == 0 { &db.store } else { &db.replica };
        let found = match replica.write(unit).await.unwrap() {
            RotateOutcome::Rotated => Expected::Rotated,
            RotateOutcome::Reused { successor_sealed } => Expected::Reused(successor_sealed),
            RotateOutcome::Replayed { newly_revoked, .. } => {
                Expected::Replayed { newly: newly_revoked }
            }
            RotateOutcome::ReusedTooOften | RotateOutcome::Refused => Expected::Refused,
        };
        assert_eq!(found, expected, "{place}");
        assert_eq!(story.is_revoked(&granted.grant.id).await, family.revoked, "{place}");
    }
}
