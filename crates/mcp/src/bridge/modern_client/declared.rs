//! D-30: what is declared to a legacy server on a modern client's behalf.

use protocol::mcp::{LAST_LEGACY_REVISION, capability, member};
use upstream::connection::legacy::Declared;
use upstream::wire::json::{Members, Object, quoted};

/// What a client can be asked, as a set of [`Skill`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Able(u8);

/// One thing that a client can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Skill {
    /// `elicitation.form`
    Form = 1,
    /// `elicitation.url`
    Url = 2,
    /// `sampling`
    Sampling = 4,
    /// `sampling.tools`
    SamplingTools = 8,
    /// `sampling.context`
    SamplingContext = 16,
    /// `roots`
    Roots = 32,
}

/// Longer than any client's name and version; what is longer would only take room.
const LONGEST_INFO: usize = 4096;

impl Able {
    /// Reads modern `ClientCapabilities`. Extensions, and whatever else has no words in the 2025
    /// revisions, are left out (C-46). `None` if it is no object.
    pub(super) fn read(capabilities: &str) -> Option<Self> {
        let capabilities = Members::read(capabilities).ok()?;
        let mut able = Self::default();
        if let Some(elicitation) = capabilities.get(capability::ELICITATION) {
            let modes = Members::read(elicitation.get()).ok()?;
            // An empty object means forms, as in the first revision that could elicit.
            if modes.get(capability::FORM).is_some() || modes.get(capability::URL).is_none() {
                able = able.with(Skill::Form);
            }
            if modes.get(capability::URL).is_some() {
                able = able.with(Skill::Url);
            }
        }
        if let Some(sampling) = capabilities.get(capability::SAMPLING) {
            let parts = Members::read(sampling.get()).ok()?;
            able = able.with(Skill::Sampling);
            if parts.get(capability::TOOLS).is_some() {
                able = able.with(Skill::SamplingTools);
            }
            if parts.get(capability::CONTEXT).is_some() {
                able = able.with(Skill::SamplingContext);
            }
        }
        if capabilities.get(capability::ROOTS).is_some() {
            able = able.with(Skill::Roots);
        }
        Some(able)
    }

    /// Whether the client has this skill.
    pub(super) fn has(self, skill: Skill) -> bool {
        self.0 & skill as u8 != 0
    }

    fn with(self, skill: Skill) -> Self {
        Self(self.0 | skill as u8)
    }

    /// The same in the words of 2025-11-25, always in the same order, so that clients with the
    /// same skills share a session's key.
    fn in_legacy_words(self) -> String {
        let parts = |of: &[(&str, Skill)]| {
            let mut object = Object::with_capacity(32);
            for (name, _) in of.iter().filter(|(_, skill)| self.has(*skill)) {
                object.member(name, "{}");
            }
            object.finish()
        };
        let mut object = Object::with_capacity(96);
        if self.has(Skill::Form) || self.has(Skill::Url) {
            let known = [(capability::FORM, Skill::Form), (capability::URL, Skill::Url)];
            object.member(capability::ELICITATION, &parts(&known));
        }
        // Nothing could tell a server that the roots changed, so `listChanged` is not declared.
        if self.has(Skill::Roots) {
            object.member(capability::ROOTS, "{}");
        }
        if self.has(Skill::Sampling) {
            let known = [
                (capability::CONTEXT, Skill::SamplingContext),
                (capability::TOOLS, Skill::SamplingTools),
            ];
            object.member(capability::SAMPLING, &parts(&known));
        }
        object.finish()
    }
}

/// What to declare for a client with these skills and this `clientInfo`.
pub(super) fn declared(able: Able, client_info: Option<&str>) -> Declared {
    let named = |info: &&str| {
        let members = Members::read(info).ok();
        info.len() <= LONGEST_INFO
            && members.is_some_and(|m| {
                m.text(member::NAME).is_some() && m.text(member::VERSION).is_some()
            })
    };
    Declared {
        // Older servers answer with an older one.
        version: LAST_LEGACY_REVISION.to_owned(),
        capabilities: able.in_legacy_words(),
        client_info: client_info.filter(named).map_or_else(unnamed, str::to_owned),
    }
}

/// What a server hears of a client that does not say who it is.
fn unnamed() -> String {
    let mut info = Object::with_capacity(48);
    info.member(member::NAME, &quoted("mcp-client")).member(member::VERSION, &quoted("0"));
    info.finish()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// D-30: modern words become legacy words, and nothing else is declared.
    #[test]
    fn d_30_capabilities_are_mapped() {
        for (modern, legacy) in [
            ("{}", "{}"),
            (r#"{"elicitation":{}}"#, r#"{"elicitation":{"form":{}}}"#),
            (r#"{"elicitation":{"url":{}}}"#, r#"{"elicitation":{"url":{}}}"#),
            (
                r#"{"roots":{"listChanged":true},"elicitation":{"url":{},"form":{}}}"#,
                r#"{"elicitation":{"form":{},"url":{}},"roots":{}}"#,
            ),
            (
                r#"{"sampling":{"tools":{}},"extensions":{"x/y":{}},"tasks":{},"experimental":{}}"#,
                r#"{"sampling":{"tools":{}}}"#,
            ),
        ] {
            let able = Able::read(modern).unwrap();
            assert_eq!(declared(able, None).capabilities, legacy, "{modern}");
        }
        assert_eq!(Able::read("[]"), None);
        assert_eq!(Able::read(r#"{"elicitation":true}"#), None);
    }

    #[test]
    fn who_asks_is_named_within_reason() {
        let info = |text| declared(Able::default(), text).client_info;
        let named = r#"{"name":"a","version":"1","title":"A"}"#;
        assert_eq!(info(Some(named)), named);
        let long = format!(r#"{{"name":"{}","version":"1"}}"#, "a".repeat(LONGEST_INFO));
        for unusable in [None, Some("{}"), Some("7"), Some(&*long)] {
            assert!(info(unusable).contains("mcp-client"));
        }
    }
}
