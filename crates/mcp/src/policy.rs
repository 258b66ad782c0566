//! Who may use which tool. One function decides, for lists and for calls alike.

pub(crate) mod judge;

use std::fmt;

use protocol::{Scope, Scopes};
use wildmatch::WildMatchPattern;

use crate::access::Reach;
use crate::config::{PolicyConfig, Visibility};

/// The compiled policy of one server.
#[derive(Debug)]
pub(crate) struct Policy {
    rules: Vec<CompiledRule>,
    default_scope: Scope,
    trust_annotations: bool,
}

#[derive(Debug)]
struct CompiledRule {
    tools: Vec<Glob>,
    scope: Scope,
    visibility: Visibility,
}

/// `*` is the only wildcard; NUL never occurs in a tool's name.
type Glob = WildMatchPattern<'*', '\0'>;

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Basis {
    /// The rule at this place of `rules`, counted from 0.
    Rule(usize),
    /// What the server says of its tool.
    Annotation,
    /// `default_scope`.
    Default,
    /// What the method itself needs.
    Method,
    /// The tool cannot be read in the server's list.
    List,
    /// Nothing of the policy: the request did not get that far.
    None,
}

/// What the policy says of one tool for one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Go ahead.
    Allow,
    /// Not with this token; a grant of these scopes would allow it.
    Challenge(Scopes),
    /// Never: the tool does not exist for this person.
    Hide,
}

/// What a server says of its own tool (MCP, `ToolAnnotations`). Untrusted unless configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hints {
    /// `readOnlyHint`.
    pub(crate) read_only: bool,
    /// `destructiveHint` is present and false.
    pub(crate) harmless: bool,
}

impl Policy {
    pub(crate) fn compile(config: &PolicyConfig) -> Self {
        let rules = config.rules.iter().map(|rule| CompiledRule {
            tools: rule.tools.iter().map(|pattern| Glob::new(pattern)).collect(),
            scope: rule.scope,
            visibility: rule.visibility,
        });
        Self {
            rules: rules.collect(),
            default_scope: config.default_scope,
            trust_annotations: config.trust_annotations,
        }
    }

    /// Whether hints change anything, so that they are worth keeping.
    pub(crate) fn uses_hints(&self) -> bool {
        self.trust_annotations
    }

    /// What `reach` allows for `tool`. `hints` are what the server last said of it, if known.
    pub(crate) fn decide(&self, reach: Reach, tool: &str, hints: Option<Hints>) -> Decision {
        decide(reach, self.requirement(tool, hints).0)
    }

    /// The same, and what decided it.
    pub(crate) fn judge(
        &self,
        reach: Reach,
        tool: &str,
        hints: Option<Hints>,
    ) -> (Decision, Basis) {
        let (scope, _, basis) = self.requirement(tool, hints);
        (decide(reach, scope), basis)
    }

    /// Whether `tool` appears in this person's list: allowed, or to be challenged in sight.
    pub(crate) fn lists(&self, reach: Reach, tool: &str, hints: Option<Hints>) -> bool {
        let (scope, visibility, _) = self.requirement(tool, hints);
        match decide(reach, scope) {
            Decision::Allow => true,
            Decision::Challenge(_) => visibility == Visibility::Challenge,
            Decision::Hide => false,
        }
    }

    /// The scope that `tool` needs.
    pub(crate) fn scope_of(&self, tool: &str, hints: Option<Hints>) -> Scope {
        self.requirement(tool, hints).0
    }

    /// The first matching rule wins. Without one, hints decide where they are trusted and known,
    /// and otherwise the default, which should be the most privileged scope.
    fn requirement(&self, tool: &str, hints: Option<Hints>) -> (Scope, Visibility, Basis) {
        if let Some((place, rule)) = self.rule(tool) {
            return (rule.scope, rule.visibility, Basis::Rule(place));
        }
        let (scope, basis) = match hints {
            Some(Hints { read_only: true, .. }) if self.trust_annotations => {
                (Scope::Read, Basis::Annotation)
            }
            Some(Hints { harmless: true, .. }) if self.trust_annotations => {
                (Scope::Write, Basis::Annotation)
            }
            _ => (self.default_scope, Basis::Default),
        };
        (scope, Visibility::Hide, basis)
    }

    fn rule(&self, tool: &str) -> Option<(usize, &CompiledRule)> {
        self.rules.iter().enumerate().find(|(_, rule)| rule.names(tool))
    }
}

/// What a reach allows where `scope` is needed. Scopes are flat: none implies another.
pub(crate) fn decide(reach: Reach, scope: Scope) -> Decision {
    if reach.held.contains(scope) {
        Decision::Allow
    } else if reach.obtainable.contains(scope) {
        Decision::Challenge(Scopes::of(&[scope]))
    } else {
        Decision::Hide
    }
}

impl PolicyConfig {
    /// The places of rules that never decide, because earlier ones name every tool that they name.
    pub fn unreachable_rules(&self) -> Vec<usize> {
        let names_all_of = |place: usize, pattern: &String| {
            // A star of the pattern is a character like any other here, which only a star matches.
            let mut earlier = self.rules[..place].iter().flat_map(|rule| &rule.tools);
            earlier.any(|earlier| Glob::new(earlier).matches(pattern))
        };
        let never = |place: &usize| {
            self.rules[*place].tools.iter().all(|pattern| names_all_of(*place, pattern))
        };
        (0..self.rules.len()).filter(never).collect()
    }
}

impl CompiledRule {
    fn names(&self, tool: &str) -> bool {
        self.tools.iter().any(|glob| glob.matches(tool))
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(place) => write!(f, "rules[{place}]"),
            Self::Annotation => f.write_str("annotation"),
            Self::Default => f.write_str("default"),
            Self::Method => f.write_str("method"),
            Self::List => f.write_str("list"),
            Self::None => f.write_str("none"),
        }
    }
}

#[cfg(test)]
mod tests;
