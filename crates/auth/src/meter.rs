//! Numbers of the authorization server. Labels come from closed lists.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use protocol::OAuthErrorCode;

use crate::config::{Config, SignIn};
use crate::server::AuthServer;
use crate::token::GRANT_TYPES;

/// What programs are refused with directly, not by way of a redirect.
const ERRORS: [OAuthErrorCode; 13] = [
    OAuthErrorCode::InvalidRequest,
    OAuthErrorCode::InvalidClient,
    OAuthErrorCode::InvalidGrant,
    OAuthErrorCode::UnauthorizedClient,
    OAuthErrorCode::UnsupportedGrantType,
    OAuthErrorCode::InvalidScope,
    OAuthErrorCode::InvalidTarget,
    OAuthErrorCode::ServerError,
    OAuthErrorCode::TemporarilyUnavailable,
    OAuthErrorCode::InvalidRedirectUri,
    OAuthErrorCode::InvalidClientMetadata,
    OAuthErrorCode::UnsupportedTokenType,
    OAuthErrorCode::SlowDown,
];

/// What becomes of a sign-in.
const SIGN_IN_OUTCOMES: [&str; 2] = ["signed_in", "failed"];

/// What becomes of a refresh token that comes again inside its window.
const REUSE_OUTCOMES: [&str; 2] = ["returned", "refused"];

/// The counters.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    tokens: Family<GrantLabel, Counter>,
    refusals: Family<ErrorLabel, Counter>,
    sign_ins: Family<SignInLabels, Counter>,
    refresh_reuses: Family<OutcomeLabel, Counter>,
    unexpected: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GrantLabel {
    grant_type: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ErrorLabel {
    error: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SignInLabels {
    provider: &'static str,
    outcome: &'static str,
}

impl Meter {
    /// Begins every series at 0, so that the first event is a growth and not a beginning, which
    /// `rate()` and alarms cannot see (O10).
    fn begin(&self, config: &Config) {
        for grant_type in GRANT_TYPES {
            drop(self.tokens.get_or_create(&GrantLabel { grant_type }));
        }
        for error in ERRORS {
            drop(self.refusals.get_or_create(&ErrorLabel { error: error.as_str() }));
        }
        for outcome in REUSE_OUTCOMES {
            drop(self.refresh_reuses.get_or_create(&OutcomeLabel { outcome }));
        }
        for provider in kinds(config) {
            for outcome in SIGN_IN_OUTCOMES {
                drop(self.sign_ins.get_or_create(&SignInLabels { provider, outcome }));
            }
        }
    }

    /// Tokens were issued.
    pub(crate) fn issued(&self, grant_type: &'static str) {
        self.tokens.get_or_create(&GrantLabel { grant_type }).inc();
    }

    /// A program was refused.
    pub(crate) fn refused(&self, error: &'static str) {
        self.refusals.get_or_create(&ErrorLabel { error }).inc();
    }

    /// A rotated refresh token came again inside its window (RT-10).
    pub(crate) fn refresh_reused(&self, outcome: &'static str) {
        self.refresh_reuses.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    /// A program met a failure of ours that should not happen; the log has its reference.
    pub(crate) fn failed_unexpectedly(&self) {
        self.unexpected.inc();
    }

    /// Somebody signed in, or could not.
    pub(crate) fn signed_in(&self, provider: &'static str, outcome: &'static str) {
        self.sign_ins.get_or_create(&SignInLabels { provider, outcome }).inc();
    }
}

/// The kinds of the ways to sign in, some perhaps twice.
fn kinds(config: &Config) -> Vec<&'static str> {
    match &config.sign_in {
        SignIn::Nobody => Vec::new(),
        SignIn::DemoPeople | SignIn::FixedUser(_) => vec![config.kind_of("")],
        SignIn::Providers(providers) => {
            providers.iter().map(|provider| config.kind_of(&provider.id)).collect()
        }
    }
}

impl AuthServer {
    /// Gives the authorization server's numbers their names.
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.meter.begin(&self.config);
        let Meter { tokens, refusals, sign_ins, refresh_reuses, unexpected } = &self.meter;
        registry.register("tokens_issued", "Tokens, by grant type", tokens.clone());
        registry.register("refusals", "Refusals of programs, by error", refusals.clone());
        let help = "Sign-ins, by kind of provider and outcome";
        registry.register("sign_ins", help, sign_ins.clone());
        let help = "Refresh tokens that came again inside the grace window, by outcome";
        registry.register("refresh_reuses", help, refresh_reuses.clone());
        let help = "Failures that should not happen, each an error in the log";
        registry.register("unexpected_failures", help, unexpected.clone());
    }
}
