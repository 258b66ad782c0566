//! What `doctor` says of a provider: asked anew, without anybody signing in.

use url::Url;

use super::algorithm::Algorithm;
use super::config::ClientAuth;
use super::discovery::{self, Document, Offers};
use super::http::{self, Answer};
use super::keys::{self, KeySet};
use super::{Provider, config::Config};
use crate::provider::{Finding, ProviderError};

/// Seconds of clock difference that are worth a word. An answer takes a while, and its date is in
/// whole seconds.
const NOTABLE_SECONDS: i64 = 30;

/// What everybody asks for, and what brings nobody groups by its name (Core §5.4, §11).
const USUAL_SCOPES: [&str; 6] =
    ["openid", "profile", "email", "address", "phone", "offline_access"];

impl Provider {
    /// Whether rules look at groups that no scope asks for: many providers send them unasked, and
    /// only a sign-in shows whether this one does.
    pub fn leaves_groups_to_the_provider(&self) -> bool {
        leaves_groups_to_the_provider(&self.config)
    }

    /// Looks at everything that a sign-in needs, as far as it shows without one.
    pub async fn examine(&self) -> Vec<Finding> {
        let address = discovery::address(&self.config);
        let described = self.describe(&address).await;
        // A query can name an application, and is nothing to show.
        let address = address.split('?').next().unwrap_or_default();
        let (unverified, answer) = match described {
            Ok(described) => described,
            Err(error) => return vec![unreachable(address, &error)],
        };
        let mut findings =
            vec![Finding::pass(format!("{address} answers")), self.compare_clocks(&answer)];
        match unverified.verify(&self.config.issuer) {
            Ok(document) => {
                findings.push(Finding::pass(format!("it names the issuer {}", self.config.issuer)));
                findings.extend(document.ignored.iter().map(|member| member_ignored(member)));
                findings.extend(self.look_at_keys(&document).await);
                findings.extend(look_at_offers(&self.config, &document.claims_to_offer));
                findings.push(look_at_logout(&self.config, &document));
            }
            Err(error) => findings.push(Finding::failure(
                error.to_string(),
                "set issuer to exactly what the discovery document says, with or without the slash at \
                 the end; if it belongs to somebody else, something between here and the provider \
                 is changing answers. A document that lives elsewhere than its issuer says needs \
                 discovery_url",
            )),
        }
        findings.push(Finding::pass(format!(
            "the redirect URI to register at the provider is {}",
            self.config.redirect_uri
        )));
        findings
    }

    async fn describe(
        &self,
        address: &str,
    ) -> Result<(discovery::Unverified, Answer), ProviderError> {
        http::json(self.http.get(address)).await
    }

    fn compare_clocks(&self, answer: &Answer) -> Finding {
        let Some(theirs) = answer.date else {
            return Finding::pass("the provider's clock is unknown: it sends no Date");
        };
        let difference = theirs.saturating_sub(self.clock.now().as_seconds());
        let what = match difference {
            1.. => format!("the provider's clock is {difference} s ahead of ours"),
            _ => format!("the provider's clock is {} s behind ours", difference.saturating_neg()),
        };
        let fix = "set both clocks by NTP; ours is usually the one that is off";
        let skew = self.config.clock_skew_seconds;
        match difference.saturating_abs() {
            off if off > skew.max(NOTABLE_SECONDS) => {
                Finding::failure(format!("{what}, and clock_skew_seconds allows {skew}"), fix)
            }
            off if off > NOTABLE_SECONDS => Finding::warning(what, fix),
            _ => Finding::pass(what),
        }
    }

    async fn look_at_keys(&self, document: &Document) -> Vec<Finding> {
        let address = &document.jwks_uri;
        let keys: KeySet = match http::json::<keys::Document>(self.http.get(address.clone())).await
        {
            Ok((document, _)) => document.into(),
            Err(error) => return vec![unreachable(address.as_str(), &error)],
        };
        let skipped = keys.faults().iter().map(|fault| {
            Finding::warning(
                format!("{address}: {} is not used: {}", fault.key, fault.problem),
                "tokens that it signs are refused; the provider must publish it correctly",
            )
        });
        skipped.chain([self.look_at_algorithms(address, &keys)]).collect()
    }

    fn look_at_algorithms(&self, address: &Url, keys: &KeySet) -> Finding {
        let wanted = &self.config.signing_algorithms;
        let usable: Vec<_> = names(wanted.iter().filter(|one| keys.has_one_for(**one)));
        if usable.is_empty() {
            let wanted = names(wanted.iter()).join(", ");
            Finding::failure(
                format!("{address} has no key for {wanted}"),
                "set signing_algorithms to what the provider signs with",
            )
        } else {
            Finding::pass(format!("{address} has keys for {}", usable.join(", ")))
        }
    }
}

fn member_ignored(member: &str) -> Finding {
    Finding::warning(
        format!("in its discovery document {member}, and is ignored"),
        "sign-in works as if it were not there; the provider should leave it out or mend it",
    )
}

fn look_at_offers(config: &Config, offers: &Offers) -> Vec<Finding> {
    let lacks = |list: &Option<Vec<String>>, value: &str| {
        list.as_ref().is_some_and(|list| !list.iter().any(|one| one == value))
    };
    let mut findings = Vec::new();
    if lacks(&offers.response_types, "code") {
        findings.push(Finding::failure(
            "the provider does not offer the authorization code flow",
            "allow response type `code` for this application at the provider",
        ));
    }
    findings.push(if offers.knows_pkce() {
        Finding::pass("the provider knows PKCE with S256")
    } else {
        Finding::warning(
            "the provider does not say that it knows PKCE with S256",
            "Wicketgate sends it all the same, and most providers accept it, but Glewlwyd answers \
             invalid_request until pkce-allowed is on: switch it on at the provider if you can",
        )
    });
    findings.push(look_at_client_auth(config, offers));
    let accepted = |one: &String| {
        Algorithm::parse(one).is_some_and(|one| config.signing_algorithms.contains(&one))
    };
    if let Some(theirs) = &offers.signing_algorithms
        && !theirs.iter().any(accepted)
    {
        findings.push(Finding::failure(
            format!("the provider signs with {} only", listed(theirs)),
            "add one of them to signing_algorithms; HS256 and none are never accepted",
        ));
    }
    let missing = |scope: &&String| lacks(&offers.scopes, scope);
    let missing: Vec<_> = config.scopes.iter().filter(missing).cloned().collect();
    if !missing.is_empty() {
        findings.push(Finding::warning(
            format!("the provider does not list the scopes {}", listed(&missing)),
            "some providers list not all; if sign-in answers invalid_scope, remove them",
        ));
    }
    findings.extend(look_at_groups(config, offers));
    findings
}

/// O5: where groups do not come, everybody is `basic`, and nothing fails. Many providers send them
/// unasked, so only one that announces the scope is a warning; of the others doctor says that it
/// cannot see it.
fn look_at_groups(config: &Config, offers: &Offers) -> Option<Finding> {
    let scopes = offers.scopes.as_ref()?;
    let announced = scopes.iter().any(|scope| scope == "groups");
    (announced && leaves_groups_to_the_provider(config)).then(|| {
        Finding::warning(
            "rules look at groups, and scopes does not ask for them",
            "the provider lists the scope: add \"groups\" to scopes if the application may ask for it; \
             otherwise let the provider send the claim unasked",
        )
    })
}

fn leaves_groups_to_the_provider(config: &Config) -> bool {
    let asked = config.scopes.iter().any(|scope| !USUAL_SCOPES.contains(&scope.as_str()));
    config.expects_groups && !config.claims.groups.is_empty() && !asked
}

/// Discovery §3: a description without the list means `client_secret_basic`.
fn look_at_client_auth(config: &Config, offers: &Offers) -> Finding {
    let ours = config.client_auth.name();
    let basic_only = vec!["client_secret_basic".to_owned()];
    let theirs = offers.client_auth.as_ref().unwrap_or(&basic_only);
    if theirs.iter().any(|one| one == ours) {
        return Finding::pass(format!("the provider accepts client_auth = {ours:?}"));
    }
    let what = format!("the provider lists {} and not client_auth = {ours:?}", listed(theirs));
    // Many accept public clients and do not say so; and an absent list is often an omission.
    if matches!(config.client_auth, ClientAuth::None) || offers.client_auth.is_none() {
        Finding::warning(what, "if sign-in answers invalid_client, use one that is listed")
    } else {
        Finding::failure(what, "set client_auth to one that is listed")
    }
}

fn look_at_logout(config: &Config, document: &Document) -> Finding {
    if config.expects_logout_tokens && !document.claims_to_offer.backchannel_logout {
        return Finding::warning(
            "backchannel_logout is set, and the provider does not say that it sends logout tokens",
            "some take the URL in their settings and never send any (LemonLDAP::NG 2.16); set \
             recheck_seconds to learn of people who left, and remove backchannel_logout",
        );
    }
    let offers = &document.claims_to_offer;
    let page = document.end_session_endpoint.is_some();
    let channel = match (offers.backchannel_logout, offers.backchannel_logout_session) {
        (true, true) => "back-channel logout by session",
        (true, false) => "back-channel logout by person",
        (false, _) => "no back-channel logout",
    };
    let page = if page { "a sign-out page" } else { "no sign-out page" };
    Finding::pass(format!("the provider has {page} and {channel}"))
}

fn unreachable(address: &str, error: &ProviderError) -> Finding {
    let text = error.to_string();
    let lower = text.to_ascii_lowercase();
    let fix = if lower.contains("certificate") || lower.contains("unknownissuer") {
        "the certificate is not trusted: it may have expired, be for another name, or come from \
         your company's own authority (extra_ca_file)"
    } else if lower.contains("dns") || lower.contains("lookup") {
        "the name cannot be resolved from here; check issuer and DNS, and set [outbound] proxy if \
         only a proxy leads out"
    } else if lower.contains("answered 4") {
        "check issuer: the discovery document is expected below it, unless discovery_url says where"
    } else {
        "check that this computer may connect there (a firewall; [outbound] proxy, if only a proxy \
         leads out) and that the provider is up"
    };
    Finding::failure(format!("{address}: {text}"), fix)
}

fn names<'a>(algorithms: impl Iterator<Item = &'a Algorithm>) -> Vec<&'static str> {
    algorithms.map(|algorithm| algorithm.name()).collect()
}

fn listed(foreign: &[String]) -> String {
    crate::claims::one_line(&foreign.join(", "), 200)
}
