//! The refresh token grant: rotation, the window for racing clients, and theft.

use testkit::forge::Jwt;
use testkit::{Connected, Engine, Tokens, random};

use crate::world::{Plan, World};

/// T-RT-01, RT-1, RT-3: each use gives a new refresh token and an access token like the first.
#[tokio::test]
async fn t_rt_01_each_use_rotates() {
    let world = World::sqlite().await;
    let Connected { client, tokens, .. } = world.connect("manager").await;
    let next = Tokens::of(&client.refresh(&tokens.refresh).await);
    assert_ne!(next.refresh, tokens.refresh);
    assert_eq!(next.scope, tokens.scope);
    let (old, new) = (Jwt::read(&tokens.access), Jwt::read(&next.access));
    for name in ["iss", "aud", "sub", "client_id", "grant_id", "scope", "status"] {
        assert_eq!(old.claims[name], new.claims[name], "{name}");
    }
    assert_ne!(old.claims["jti"], new.claims["jti"]);
    let dump = world.dump().await;
    assert_eq!(dump.live_leaves(), 1);
    // RT-11, ST-5: it is told from an access token by its prefix.
    assert!(next.refresh.starts_with("wg_rt_"), "{}", next.refresh.len());
}

/// T-RT-03, T-RT-15, RT-8, RT-9: inside the window the same parent gives the same successor.
#[tokio::test]
async fn t_rt_03_and_15_the_window_on_sqlite() {
    the_window(Engine::Sqlite).await;
}

/// T-RT-03, T-RT-15 on the other database.
#[tokio::test]
async fn t_rt_03_and_15_the_window_on_postgres() {
    the_window(Engine::Postgres).await;
}

async fn the_window(engine: Engine) {
    let world = Plan::on(engine).start().await;
    let Connected { client, tokens, .. } = world.connect("basic").await;
    let first = Tokens::of(&client.refresh(&tokens.refresh).await);
    world.clock.advance_seconds(119);
    let again = Tokens::of(&client.refresh(&tokens.refresh).await);
    assert_eq!(again.refresh, first.refresh);
    let dump = world.dump().await;
    assert_eq!(dump.live_leaves(), 1);
    assert_eq!(dump.count_with("OAUTH_AUDIT", "kind=refresh.reused_in_window"), 1);
    let next = client.refresh(&again.refresh).await;
    assert_eq!(next.status, 200, "{}", next.body);
}

/// What is not the token's fault costs no token: clients wait out `temporarily_unavailable` and
/// open a browser for `server_error`. Other grants say what it is.
#[tokio::test]
async fn unexpected_trouble_costs_no_refresh_token() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let world = Plan::on(engine).start().await;
        let Connected { client, tokens, .. } = world.connect("basic").await;
        let (code, ask) = world.code(&client, "basic").await;
        let rename = |from: &str, to: &str| format!("ALTER TABLE {from} RENAME TO {to}");
        world.database.execute(&rename("OAUTH_GRANT", "OAUTH_GRANT_GONE")).await;
        let refused = client.refresh(&tokens.refresh).await;
        refused.refuses(503, "temporarily_unavailable");
        assert!(refused.header("retry-after").is_some());
        client.exchange(&code, &ask).await.refuses(500, "server_error");
        world.database.execute(&rename("OAUTH_GRANT_GONE", "OAUTH_GRANT")).await;
        assert_eq!(client.refresh(&tokens.refresh).await.status, 200);
    }
}

/// T-RT-04, T-RT-05, RT-4: a parent whose successor was used is theft, even inside the window.
#[tokio::test]
async fn t_rt_04_and_05_an_old_token_is_theft() {
    let world = World::sqlite().await;
    for generations in [2, 3] {
        let Connected { client, tokens, .. } = world.connect("basic").await;
        let mut newest = tokens.clone();
        for _ in 0..generations {
            newest = Tokens::of(&client.refresh(&newest.refresh).await);
        }
        let stolen = client.refresh(&tokens.refresh).await;
        stolen.refuses(400, "invalid_grant");
        let newest = client.refresh(&newest.refresh).await;
        newest.refuses(400, "invalid_grant");
    }
    let dump = world.dump().await;
    assert_eq!(dump.count_with("OAUTH_GRANT", "revocation_reason=refresh_reuse"), 2);
    assert_eq!(dump.count_with("OAUTH_AUDIT", "kind=refresh.replayed"), 2);
}

/// T-RT-16: after the window, thief and owner both lose, on both databases.
#[tokio::test]
async fn t_rt_16_theft_after_the_window_ends_the_grant() {
    for world in [World::sqlite().await, World::postgres().await] {
        let Connected { client, tokens, .. } = world.connect("basic").await;
        let thief = Tokens::of(&client.refresh(&tokens.refresh).await);
        world.clock.advance_seconds(121);
        let owner = client.refresh(&tokens.refresh).await;
        owner.refuses(400, "invalid_grant");
        let thief = client.refresh(&thief.refresh).await;
        thief.refuses(400, "invalid_grant");
    }
}

/// T-RT-06: without a window the second use is theft.
#[tokio::test]
async fn t_rt_06_a_window_of_zero_is_strict() {
    let plan = Plan::sqlite().config(|config| config.refresh_reuse_grace = 0);
    let world = plan.start().await;
    let Connected { client, tokens, .. } = world.connect("basic").await;
    let next = Tokens::of(&client.refresh(&tokens.refresh).await);
    let again = client.refresh(&tokens.refresh).await;
    again.refuses(400, "invalid_grant");
    let next = client.refresh(&next.refresh).await;
    next.refuses(400, "invalid_grant");
}

/// T-RT-07, RT-2: another client's token, and no client at all.
#[tokio::test]
async fn t_rt_07_tokens_belong_to_their_client() {
    let world = World::sqlite().await;
    let Connected { client, tokens, .. } = world.connect("basic").await;
    let other = world.client().await;
    let before = world.dump().await;
    let stolen = other.refresh(&tokens.refresh).await;
    stolen.refuses(400, "invalid_grant");
    let grant = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    let nobody = world.post_form(&world.at("/token"), &grant).await;
    nobody.refuses(401, "invalid_client");
    world.is_unchanged_since(&before).await;
    assert_eq!(client.refresh(&tokens.refresh).await.status, 200);
}

/// T-RT-09, RT-3: less for one access token leaves the grant as it was; more is refused.
#[tokio::test]
async fn t_rt_09_narrower_once_and_never_wider() {
    let world = World::sqlite().await;
    let Connected { client, tokens, .. } = world.connect("basic").await;
    let narrow =
        client.refresh_with(&tokens.refresh, &[("scope", "mcp:read offline_access")]).await;
    let narrow = Tokens::of(&narrow);
    assert_eq!(narrow.scope, "mcp:read");
    let before = world.dump().await;
    for (scope, error) in
        [("mcp:read mcp:admin", "invalid_scope"), ("mcp:read \"x\"", "invalid_scope")]
    {
        let wide = client.refresh_with(&narrow.refresh, &[("scope", scope)]).await;
        wide.refuses(400, error);
    }
    world.is_unchanged_since(&before).await;
    let all = [("scope", "mcp:read mcp:write")];
    let full = Tokens::of(&client.refresh_with(&narrow.refresh, &all).await);
    assert_eq!(full.scope, "mcp:read mcp:write");
}

/// T-RT-10, RI-4, RI-6: another resource is refused before anything is rotated.
#[tokio::test]
async fn t_rt_10_another_resource_rotates_nothing() {
    let world = World::sqlite().await;
    let Connected { client, tokens, .. } = world.connect("basic").await;
    let before = world.dump().await;
    let fragment = format!("{}#f", world.mcp);
    for resource in ["https://other.example/mcp", "mcp", &fragment] {
        let answer = client.refresh_with(&tokens.refresh, &[("resource", resource)]).await;
        answer.refuses(400, "invalid_target");
    }
    let both = [("resource", world.mcp.as_str()), ("resource", "https://other.example/mcp")];
    let answer = client.refresh_with(&tokens.refresh, &both).await;
    answer.refuses(400, "invalid_target");
    world.is_unchanged_since(&before).await;
    let same = [("resource", world.mcp.as_str())];
    let next = Tokens::of(&client.refresh_with(&tokens.refresh, &same).await);
    assert_eq!(Jwt::read(&next.access).claims["aud"], world.mcp);
}

/// T-RT-11, RT-5: a token that nobody uses ends; each use starts its time anew.
#[tokio::test]
async fn t_rt_11_idle_tokens_end() {
    let plan = Plan::sqlite().config(|config| config.refresh_token_lifetime = 1000);
    let world = plan.start().await;
    let Connected { client, mut tokens, .. } = world.connect("basic").await;
    for _ in 0..3 {
        world.clock.advance_seconds(900);
        tokens = Tokens::of(&client.refresh(&tokens.refresh).await);
    }
    world.clock.advance_seconds(1001);
    let before = world.dump().await;
    let late = client.refresh(&tokens.refresh).await;
    late.refuses(400, "invalid_grant");
    world.is_unchanged_since(&before).await;
}

/// T-RT-12: revoked, disabled, or without a client.
#[tokio::test]
async fn t_rt_12_what_ends_a_grant_ends_refreshing() {
    let world = World::sqlite().await;
    let revoked = world.connect("basic").await;
    assert_eq!(revoked.client.revoke(&revoked.tokens.refresh).await.status, 200);
    let answer = revoked.client.refresh(&revoked.tokens.refresh).await;
    answer.refuses(400, "invalid_grant");
    let gone = world.connect("basic").await;
    let delete = format!("DELETE FROM OAUTH_CLIENT WHERE client_id = '{}'", gone.client.id);
    world.database.execute(&delete).await;
    let answer = gone.client.refresh(&gone.tokens.refresh).await;
    answer.refuses(401, "invalid_client");
    let disabled = world.connect("admin").await;
    world.database.execute("UPDATE OAUTH_SUBJECT SET disabled_at = 1").await;
    let before = world.dump().await;
    let answer = disabled.client.refresh(&disabled.tokens.refresh).await;
    answer.refuses(400, "invalid_grant");
    world.is_unchanged_since(&before).await;
}

/// T-RT-13: what is no refresh token.
#[tokio::test]
async fn t_rt_13_other_tokens_are_no_refresh_tokens() {
    let world = World::sqlite().await;
    let Connected { client, tokens, code, .. } = world.connect("basic").await;
    let before = world.dump().await;
    for wrong in [
        tokens.access.clone(),
        code,
        random(),
        format!("wg_rt_{}", random()),
        format!("{}x", tokens.refresh),
        tokens.refresh.to_uppercase(),
        "x".repeat(10_000),
    ] {
        let answer = client.refresh(&wrong).await;
        answer.refuses(400, "invalid_grant");
    }
    client.refresh("").await.refuses(400, "invalid_request");
    let twice = [("refresh_token", tokens.refresh.as_str())];
    let answer = client.refresh_with(&tokens.refresh, &twice).await;
    answer.refuses(400, "invalid_request");
    world.is_unchanged_since(&before).await;
}

/// RT-7: what was used stays used after a restart, and the window goes on where it was.
#[tokio::test]
async fn rt_7_reuse_is_known_after_a_restart() {
    let world = World::sqlite().await;
    let Connected { client, tokens, .. } = world.connect("basic").await;
    let first = Tokens::of(&client.refresh(&tokens.refresh).await);
    let second = Tokens::of(&client.refresh(&first.refresh).await);
    let port = url::Url::parse(&world.issuer).expect("a URL").port();
    let clock = world.clock.clone();
    let database = world.stop().await;
    let world =
        Plan::sqlite().with(database).clock(&clock).port(port.expect("a port")).start().await;
    let again = Tokens::of(&client.refresh(&first.refresh).await);
    assert_eq!(again.refresh, second.refresh);
    let stolen = client.refresh(&tokens.refresh).await;
    stolen.refuses(400, "invalid_grant");
    drop(world);
    // T-STO-12: and so does a revocation.
}

/// RT-3: when the ceiling comes down, so does the next token.
#[tokio::test]
async fn a_lower_ceiling_shrinks_the_next_token() {
    let world = World::sqlite().await;
    let Connected { client, tokens, .. } = world.connect("admin").await;
    let port = url::Url::parse(&world.issuer).expect("a URL").port();
    let clock = world.clock.clone();
    let database = world.stop().await;
    let _world = Plan::sqlite()
        .ceiling("mcp:read")
        .with(database)
        .clock(&clock)
        .port(port.expect("a port"))
        .start()
        .await;
    let next = Tokens::of(&client.refresh(&tokens.refresh).await);
    assert_eq!(next.scope, "mcp:read");
}
