use proptest::prelude::*;

use super::*;
use crate::config::Rule;

fn rule(tools: &[&str], scope: Scope, visibility: Visibility) -> Rule {
    Rule { tools: tools.iter().map(|&t| t.to_owned()).collect(), scope, visibility }
}

fn policy(trust_annotations: bool) -> Policy {
    Policy::compile(&PolicyConfig {
        rules: vec![
            rule(&["get_secret"], Scope::Admin, Visibility::Challenge),
            rule(&["list_*", "get_*"], Scope::Read, Visibility::Hide),
            rule(&["create_*"], Scope::Write, Visibility::Challenge),
            rule(&["close?"], Scope::Read, Visibility::Hide),
        ],
        default_scope: Scope::Admin,
        trust_annotations,
    })
}

const READER: Reach =
    Reach { held: Scopes::READ, obtainable: Scopes::of(&[Scope::Read, Scope::Write]) };

#[test]
fn the_first_rule_wins_and_the_default_is_privileged() {
    let policy = policy(false);
    assert_eq!(policy.decide(READER, "get_request", None), Decision::Allow);
    assert_eq!(policy.decide(READER, "get_secret", None), Decision::Hide);
    assert_eq!(policy.decide(READER, "unheard_of", None), Decision::Hide);
    assert_eq!(policy.decide(READER, "GET_request", None), Decision::Hide, "names have a case");
    assert_eq!(policy.decide(READER, "closed", None), Decision::Hide, "? is no wildcard");
}

/// T-MCP-27: a scope that could be granted is asked for; one that cannot is never named.
#[test]
fn t_mcp_27_challenges_only_for_what_can_be_granted() {
    let policy = policy(false);
    let write = Scopes::of(&[Scope::Write]);
    assert_eq!(policy.decide(READER, "create_request", None), Decision::Challenge(write));
    let at_ceiling = Reach { held: Scopes::READ, obtainable: Scopes::READ };
    assert_eq!(policy.decide(at_ceiling, "create_request", None), Decision::Hide);
}

#[test]
fn hints_count_only_where_trusted_and_unruled() {
    let reading = Some(Hints { read_only: true, harmless: false });
    let harmless = Some(Hints { read_only: false, harmless: true });
    assert_eq!(policy(false).decide(READER, "peek", reading), Decision::Hide);
    assert_eq!(policy(true).decide(READER, "peek", reading), Decision::Allow);
    assert_eq!(policy(true).scope_of("poke", harmless), Scope::Write);
    assert_eq!(policy(true).scope_of("poke", Some(Hints::default())), Scope::Admin);
    assert_eq!(policy(true).scope_of("create_x", reading), Scope::Write);
}

fn scopes() -> impl Strategy<Value = Scopes> {
    prop::sample::subsequence(Scope::ALL.to_vec(), 0..=4)
        .prop_map(|scopes| scopes.into_iter().collect())
}

proptest! {
    /// Listed means allowed or challenged, hidden means never listed, and a challenge is always
    /// for something that can be granted and is not held.
    #[test]
    fn lists_and_calls_agree(
        held in scopes(),
        obtainable in scopes(),
        tool in "(get_|create_|list_|x)(secret|request)?",
        trust in any::<bool>(),
        hints in prop::option::of((any::<bool>(), any::<bool>())),
    ) {
        let policy = policy(trust);
        let reach = Reach { held: held.and(obtainable), obtainable };
        let hints = hints.map(|(read_only, harmless)| Hints { read_only, harmless });
        let listed = policy.lists(reach, &tool, hints);
        match policy.decide(reach, &tool, hints) {
            Decision::Allow => prop_assert!(listed),
            Decision::Hide => prop_assert!(!listed),
            Decision::Challenge(needed) => {
                prop_assert!(obtainable.contains_all(needed));
                prop_assert!(needed.and(reach.held).is_empty());
            }
        }
    }
}
