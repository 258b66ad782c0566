//! What many processes that share one refresh token may rely on, and what a thief may not (RT-8 to
//! RT-10; RFC 9700 §4.14.2): at two replicas on PostgreSQL, and over a restart.

use testkit::forge::Jwt;
use testkit::{Client, Connected, Place, Tokens};
use tokio::task::JoinSet;

use crate::world::{Plan, World};

/// RT-8, RT-9, RT-10: 2, 8 and 64 processes present the same parent at two replicas at once. All go
/// on with one and the same successor; each reuse is on record, and nothing is revoked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rt_8_to_10_any_number_of_processes_go_on_together() {
    let mut world = Plan::postgres().start().await;
    let replica = world.replica().await;
    let Connected { client, mut tokens, .. } = world.connect("basic").await;
    let mut reuses = 0;
    for (round, processes) in [2, 8, 64].into_iter().enumerate() {
        let successor = race(&client, &[&world, &replica], &tokens.refresh, processes).await;
        reuses += processes - 1;
        counts(&world, round + 1, reuses).await;
        // A process that slept through a restart is still inside the window.
        world.reconfigure(|settings| settings).await;
        assert_eq!(race(&client, &[&world], &tokens.refresh, 1).await, successor);
        reuses += 1;
        counts(&world, round + 1, reuses).await;
        tokens.refresh = successor;
    }
    let next = Tokens::of(&client.refresh(&tokens.refresh).await);
    assert_eq!(next.scope, tokens.scope);
}

/// RT-4, RT-8: outside the window, or once the successor was used, the parent is stolen: the family
/// ends at both replicas, with the access tokens that came of it, and that is on record with whose it
/// was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rt_8_a_stolen_token_ends_the_family_everywhere() {
    for late in [true, false] {
        let mut world = Plan::postgres().start().await;
        let replica = world.replica().await;
        let Connected { client, tokens, .. } = world.connect("basic").await;
        let successor = race(&client, &[&world, &replica], &tokens.refresh, 8).await;
        let mut last = successor.clone();
        if late {
            world.clock.advance_seconds(121);
        } else {
            last = race(&client, &[&replica], &successor, 2).await;
        }
        let thieves = thieves(&client, &[&world, &replica], &tokens.refresh).await;
        assert_eq!(thieves, [400; 8], "late: {late}");
        for token in [&successor, &last] {
            client.refresh(token).await.refuses(400, "invalid_grant");
            client.at(&replica).refresh(token).await.refuses(400, "invalid_grant");
        }
        let dump = world.dump().await;
        let grant = Jwt::read(&tokens.access).claims["grant_id"].as_str().map(str::to_owned);
        let whose = format!("grant_id={}", grant.expect("a grant"));
        assert_eq!(dump.count_with("OAUTH_AUDIT", "kind=grant.revoked"), 1);
        let events = dump.rows("OAUTH_AUDIT").iter();
        let replays: Vec<_> = events.filter(|row| row.contains("kind=refresh.replayed")).collect();
        assert!(!replays.is_empty());
        for row in replays {
            assert!(row.contains(&whose) && row.contains(&client.id), "{row}");
        }
        assert_eq!(dump.count_with("OAUTH_GRANT", "revocation_reason=refresh_reuse"), 1);
    }
}

/// So many processes present it at once, at these places in turn; they all get this.
async fn race(client: &Client, places: &[&Place], parent: &str, processes: usize) -> String {
    let mut racing = JoinSet::new();
    for number in 0..processes {
        let client = client.at(places[number % places.len()]);
        let parent = parent.to_owned();
        racing.spawn(async move { Tokens::of(&client.refresh(&parent).await).refresh });
    }
    let mut successors = racing.join_all().await;
    successors.sort_unstable();
    successors.dedup();
    assert_eq!(successors.len(), 1, "{processes} processes");
    successors.remove(0)
}

/// Eight thieves present it at once.
async fn thieves(client: &Client, places: &[&Place], stolen: &str) -> [u16; 8] {
    let mut racing = JoinSet::new();
    for number in 0..8 {
        let client = client.at(places[number % places.len()]);
        let stolen = stolen.to_owned();
        racing.spawn(async move { client.refresh(&stolen).await.status });
    }
    racing.join_all().await.try_into().expect("eight answers")
}

/// So many rotations and reuses are on record, there is one live end, and the grant goes on.
async fn counts(world: &World, rotations: usize, reuses: usize) {
    let dump = world.dump().await;
    assert_eq!(dump.live_leaves(), 1);
    let of = |kind: &str| dump.count_with("OAUTH_AUDIT", &format!("kind={kind}"));
    assert_eq!((of("refresh.rotated"), of("refresh.reused_in_window")), (rotations, reuses));
    assert_eq!(of("grant.revoked"), 0);
}
