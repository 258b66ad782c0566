//! Rules that wait for groups which nobody sends (O5). Nothing fails then: everybody is `basic`.

use sso::people::People;

use super::advice;
use crate::config::problem::Problem;
use crate::config::settings::{KindSettings, ProviderSettings, Settings, SignInSettings};

/// Rules with groups that are about providers of which none is asked for groups. Whether those that
/// are asked send any, only a sign-in shows; `doctor` has a suspicion.
pub(crate) fn about(settings: &Settings) -> Vec<Problem> {
    let Some(oauth) = &settings.oauth else { return Vec::new() };
    let SignInSettings::Providers(providers) = &oauth.sign_in else { return Vec::new() };
    let rules = settings.people().into_iter();
    rules.filter_map(|(key, people)| about_rule(&key, people, providers)).collect()
}

fn about_rule(key: &str, people: &People, providers: &[ProviderSettings]) -> Option<Problem> {
    let mut asked = providers.iter().filter(|one| people.look_at_groups_of(&one.id)).peekable();
    asked.peek()?;
    asked.all(|provider| has_no_groups(&provider.kind)).then(|| {
        advice(
            &format!("{key}.groups"),
            "no provider that it is about is asked for groups, so nobody is in any",
            "Name the claim in claims.groups (SAML: attributes.groups), or write a rule without groups",
        )
    })
}

fn has_no_groups(kind: &KindSettings) -> bool {
    match kind {
        KindSettings::Oidc(oidc) => oidc.config.claims.groups.is_empty(),
        KindSettings::Saml(saml) => saml.config.attributes.groups.is_empty(),
        KindSettings::Local | KindSettings::Portal(_) => false,
    }
}
