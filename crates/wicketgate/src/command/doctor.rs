//! `wicketgate doctor`: whether people can sign in, asked of everybody who has a part in it.

mod public_url;

use std::process::ExitCode;
use std::sync::Arc;

use auth::providers::{Provider, ProviderKind};
use kernel::{Clock, SystemClock};
use serde_json::{Value, json};
use sso::{Finding, Verdict};

use super::{run_to_end, source};
use crate::cli::Doctor;
use crate::compose::providers::{self, Registered};
use crate::config::{self, Problem, Role, Settings, SignInSettings};
use crate::output;

/// What was found out about one provider.
struct Report {
    id: String,
    name: String,
    kind: &'static str,
    to_register: Vec<Registered>,
    findings: Vec<Finding>,
    unseen: Option<String>,
}

/// Examines every provider. Exit code 1 if sign-in cannot work at one of them.
pub(super) fn run(options: &Doctor) -> anyhow::Result<ExitCode> {
    let settings = config::load(&source::collect(&options.config)?, Role::Auth)?.settings;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let providers = providers::build(&settings, &clock)?;
    let (reports, outside) = run_to_end(async {
        (examine(&settings, &providers).await, public_url::examine(&settings).await)
    })?;
    let mut general = general(&settings);
    general.extend(outside);
    let mut findings = reports.iter().flat_map(|report| &report.findings).chain(&general);
    let good = !findings.any(|finding| finding.verdict == Verdict::Failure);
    if options.json {
        output::result(as_json(&general, &reports, good));
    } else {
        print(&general, &reports);
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One after the other: what a slow one costs is the operator's patience only.
async fn examine(settings: &Settings, providers: &[Provider]) -> Vec<Report> {
    let mut reports = Vec::new();
    for provider in providers {
        reports.push(Report {
            id: provider.id.clone(),
            name: provider.name.clone(),
            kind: providers::kind_name(&provider.kind),
            to_register: providers::to_register(settings.issuer.as_str(), provider),
            findings: findings(&provider.kind).await,
            unseen: unseen(&provider.kind),
        });
    }
    reports
}

async fn findings(kind: &ProviderKind) -> Vec<Finding> {
    match kind {
        ProviderKind::Oidc { party, .. } => party.examine().await,
        ProviderKind::Saml(party) => party.examine().await,
        ProviderKind::Local => {
            vec![Finding::pass("accounts are in our own database; see `wicketgate account list`")]
        }
        ProviderKind::Portal(_) => {
            vec![Finding::pass("its key can be used; only a sign-in shows whether it fits")]
        }
    }
}

/// What no question to the provider can answer (O9). Without this, all `ok` would promise too much.
fn unseen(kind: &ProviderKind) -> Option<String> {
    match kind {
        ProviderKind::Oidc { party, .. } => {
            let groups = if party.leaves_groups_to_the_provider() {
                "; rules look at groups and scopes asks for none, so see `wicketgate user list \
                 --json` after the first sign-in"
            } else {
                ""
            };
            Some(format!(
                "whether the client id and its secret or key are right, whether the redirect URI \
                 is registered, and whether groups and other claims come{groups}"
            ))
        }
        ProviderKind::Saml(_) => Some(
            "whether our entity ID and ACS URL are registered, and whether groups and other \
             attributes come"
                .to_owned(),
        ),
        ProviderKind::Local | ProviderKind::Portal(_) => None,
    }
}

/// What is not about one provider.
fn general(settings: &Settings) -> Vec<Finding> {
    let Some(oauth) = &settings.oauth else { return Vec::new() };
    let fix = "add a [[sign_in.provider]]";
    let mut findings = way_in(&oauth.sign_in, fix);
    let about_groups = config::about_groups(settings).into_iter();
    findings.extend(
        about_groups.map(|Problem { key, reason, fix, .. }| {
            Finding::warning(format!("{key}: {reason}"), fix)
        }),
    );
    findings
}

fn way_in(sign_in: &SignInSettings, fix: &str) -> Vec<Finding> {
    match sign_in {
        SignInSettings::Nobody => {
            vec![Finding::failure("no way to sign in is configured: nobody can connect", fix)]
        }
        SignInSettings::DemoPeople | SignInSettings::FixedUser(_) => vec![Finding::warning(
            "anybody on this computer can sign in without a password",
            format!("for real use, {fix}"),
        )],
        SignInSettings::Providers(_) => Vec::new(),
    }
}

fn print(general: &[Finding], reports: &[Report]) {
    for finding in general {
        print_finding(finding);
    }
    for report in reports {
        output::result(format!("{} ({}, {})", report.id, report.name, report.kind));
        for Registered { name, url } in &report.to_register {
            output::result(format!("  register  {name}: {url}"));
        }
        for finding in &report.findings {
            print_finding(finding);
        }
        if let Some(unseen) = &report.unseen {
            output::result(format!("  {:8}  only a sign-in shows {unseen}", "unseen"));
        }
    }
}

fn print_finding(finding: &Finding) {
    output::result(format!("  {:8}  {}", verdict(finding.verdict), finding.what));
    if !finding.fix.is_empty() {
        output::result(format!("  {:8}  fix: {}", "", finding.fix));
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "ok",
        Verdict::Warning => "warning",
        Verdict::Failure => "failure",
    }
}

fn as_json(general: &[Finding], reports: &[Report], good: bool) -> Value {
    let finding = |finding: &Finding| json!({ "verdict": verdict(finding.verdict), "what": finding.what, "fix": finding.fix });
    let all = |findings: &[Finding]| findings.iter().map(finding).collect::<Vec<_>>();
    let report = |report: &Report| {
        let line = |line: &Registered| json!({ "name": line.name, "url": line.url });
        let register: Vec<_> = report.to_register.iter().map(line).collect();
        json!({ "id": report.id, "name": report.name, "kind": report.kind,
                "register": register, "findings": all(&report.findings), "unseen": report.unseen })
    };
    json!({
        "good": good,
        "findings": all(general),
        "providers": reports.iter().map(report).collect::<Vec<_>>(),
    })
}
