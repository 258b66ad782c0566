//! Refusals that come again and again, of nobody in particular and of one person.

use super::{Reporting, call, calls, metrics};
use crate::support::{Token, World, echo};

/// A4: whoever has no token fills no record, however often they knock, and waits for no room in it.
/// The first of a kind is a row, and ten minutes later one more says how many came after it.
#[tokio::test(start_paused = true)]
async fn repeated_refusals_of_nobody_are_one_row() {
    let world = World::with(echo, |config| config.limits.audit_entries = 1).await;
    let began = tokio::time::Instant::now();
    for second in 0..300 {
        assert_eq!(world.ask(call("get_x").bearer("not.a.token")).await.status, 401);
        let foreign = call("get_x").header("origin", &format!("https://{second}.example"));
        assert_eq!(world.ask(foreign).await.status, 403);
        assert_eq!(world.ask(call("get_x")).await.status, 401);
        world.clock.advance_seconds(1);
    }
    assert_eq!(began.elapsed(), std::time::Duration::ZERO, "nobody waits");
    let _reporting = Reporting::of(&world);
    assert_eq!(calls(world.authority.reported(1).await).len(), 1);
    world.settle().await;
    world.clock.advance_seconds(301);
    world.settle().await;
    let entries = calls(world.authority.reported(3).await);
    let mut told: Vec<_> = entries
        .iter()
        .map(|entry| {
            let reason = entry.reason.as_deref().unwrap_or_default();
            (reason, (entry.at - 1_800_000_000_000) / 1000, entry.count, entry.last)
        })
        .collect();
    told.sort_unstable();
    let last = Some(1_800_000_000_000 + 299_000);
    assert_eq!(
        told,
        [
            ("bad_token", 0, None, None),
            ("bad_token", 1, Some(299), last),
            // There was no room for the first, so it was counted as well.
            ("origin_or_host", 0, Some(300), last),
        ]
    );
    assert!(!metrics(&world.sidecar).contains(r#"mcp_audit_lost_total{kind="denial"} 1"#));
}

/// A6: whoever goes on asking for what they do not get has sixty rows for it in ten minutes, and one
/// more that says how often they asked. Others have their own.
#[tokio::test(start_paused = true)]
async fn repeated_denials_of_one_person_are_counted() {
    let world = World::new(echo).await;
    let one = world.token("mcp:read");
    for number in 0..300 {
        let hidden = call(&format!("hidden_{number}")).bearer(&one);
        assert_eq!(world.ask(hidden).await.code(), -32602);
    }
    let other = Token::new("mcp:read").claim("sub", "sub_other").sign(&world.authority.key());
    world.ask(call("hidden").bearer(&other)).await;
    let _reporting = Reporting::of(&world);
    assert_eq!(calls(world.authority.reported(61).await).len(), 61);
    world.settle().await;
    world.clock.advance_seconds(601);
    world.settle().await;
    let entries = calls(world.authority.reported(62).await);
    let told: Vec<_> = entries.iter().filter_map(|entry| entry.count).collect();
    assert_eq!(told, [240]);
}

/// What was counted when the process ends is said before.
#[tokio::test]
async fn counted_refusals_are_not_lost_at_the_end() {
    let world = World::new(echo).await;
    for _ in 0..3 {
        world.ask(call("get_x").bearer("not.a.token")).await;
    }
    drop(Reporting::of(&world));
    let entries = calls(world.authority.reported(2).await);
    assert_eq!(entries.iter().map(|entry| entry.count).collect::<Vec<_>>(), [None, Some(2)]);
}
