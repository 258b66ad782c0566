//! What people see when a sign-in comes to nothing. The detail is in the log, under the reference
//! on the page; a provider's own words are never shown (UP-7, T-CB-10).

use http::{StatusCode, Uri};
use sso::ProviderError;
use store::unit::{OneTime, RejectUpstream};

use crate::answer::PageFailure;
use crate::config::SignIn;
use crate::providers::Provider;
use crate::server::AuthServer;

/// The enabled provider with this id. One that was switched off takes no answers (UP-5).
pub(super) fn find<'a>(server: &'a AuthServer, id: &str) -> Result<&'a Provider, PageFailure> {
    let providers = match &server.config.sign_in {
        SignIn::Providers(providers) => providers.as_slice(),
        SignIn::Nobody | SignIn::DemoPeople | SignIn::FixedUser(_) => &[],
    };
    let found = providers.iter().find(|provider| provider.id == id);
    found.filter(|_| !server.disabled.has_provider(id)).ok_or_else(no_such_provider)
}

/// The provider's id in a path like `…/{id}/{last}`. Ids have no characters that need decoding.
pub(super) fn last_segment_but<'a>(uri: &'a Uri, last: &str) -> &'a str {
    let path = uri.path().strip_suffix(last).unwrap_or_else(|| uri.path());
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// A provider's failure, with the provider's name for people.
pub(super) fn at_provider(provider: &Provider, error: ProviderError) -> PageFailure {
    PageFailure::Provider { id: provider.id.clone(), name: provider.name.clone(), error }
}

/// Puts an answer that was not believed on record. A provider that is away, or that we cannot ask,
/// said nothing that could be rejected.
pub(super) async fn rejected(
    server: &AuthServer,
    provider: &Provider,
    error: &ProviderError,
    once: Option<OneTime>,
) -> Result<(), PageFailure> {
    if matches!(error, ProviderError::Unavailable(_) | ProviderError::Misconfigured(_)) {
        return Ok(());
    }
    let text = error.to_string();
    let unit = RejectUpstream {
        provider: provider.id.clone(),
        reason: text[..text.floor_char_boundary(MAX_REASON)].to_owned(),
        once,
        now: server.now(),
    };
    Ok(server.store.write(unit).await?)
}

/// Bytes of a reason that are kept.
const MAX_REASON: usize = 300;

pub(super) fn no_such_provider() -> PageFailure {
    PageFailure::Refused {
        status: StatusCode::NOT_FOUND,
        title: "There is no such sign-in",
        what_happened: "It may have been renamed or switched off.".into(),
        what_to_do: "Go back to the app that sent you here and connect again.",
    }
}

/// A portal's people come with an authorization of an app.
pub(super) fn only_from_an_app() -> PageFailure {
    PageFailure::Refused {
        status: StatusCode::FORBIDDEN,
        title: "Please start in the app that you want to connect",
        what_happened: "You can't sign in from here directly: your portal sends you when you \
                        connect an app."
            .into(),
        what_to_do: "Connect the app first. Then open this page again in the same browser.",
    }
}

pub(super) fn nobody() -> PageFailure {
    PageFailure::Refused {
        status: StatusCode::SERVICE_UNAVAILABLE,
        title: "Nobody can sign in here yet",
        what_happened: "No sign-in provider is configured.".into(),
        what_to_do: "Ask your administrator to set one up ([[sign_in.provider]] in the \
                     configuration).",
    }
}

/// What an administrator switched off for more people than this one.
pub(super) fn switched_off(title: &'static str) -> PageFailure {
    PageFailure::Refused {
        status: StatusCode::FORBIDDEN,
        title,
        what_happened: "An administrator switched it off here.".into(),
        what_to_do: "Ask your administrator when it comes back.",
    }
}

pub(super) fn disabled() -> PageFailure {
    PageFailure::Refused {
        status: StatusCode::FORBIDDEN,
        title: "Your access is switched off",
        what_happened: "An administrator has disabled your account here.".into(),
        what_to_do: "Ask your administrator if you think that this is a mistake.",
    }
}
