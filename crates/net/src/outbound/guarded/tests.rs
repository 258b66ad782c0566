//! What is asked, and what is not.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A guard for which every name has these addresses, and how often names were resolved.
fn guard(policy: GuardPolicy, addresses: &[&str]) -> (Guard, Arc<AtomicUsize>) {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let lookup: Lookup = Arc::new(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        let addresses = addresses.clone();
        Box::pin(async { Ok(addresses) })
    });
    (Guard::resolving(policy, lookup), asked)
}

async fn refused(policy: GuardPolicy, addresses: &[&str], url: &str) -> NotFetched {
    let (guard, _) = guard(policy, addresses);
    guard.get(&Url::parse(url).unwrap(), 5120).await.unwrap_err()
}

fn private(host: &str) -> GuardPolicy {
    GuardPolicy { private_hosts: vec![host.to_owned()], ..GuardPolicy::default() }
}

/// SS-1, SS-4, T-SSRF-05, T-SSRF-06, T-SSRF-12: what a URL itself gives away is refused before a name is resolved.
#[tokio::test]
async fn ss_4_urls_that_are_not_asked() {
    for url in [
        "http://client.example.com/x",
        "https://client.example.com:8443/x",
        "https://user@client.example.com/x",
        "https://:secret@client.example.com/x",
        "https://127.0.0.1/x",
        "https://2130706433/x",
        "https://0x7f.1/x",
        "https://017700000001/x",
        "https://127.1/x",
        "https://[::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://8.8.8.8/x",
        "https://localhost/x",
        "https://localhost./x",
        "https://app.localhost/x",
        "https://printer.local/x",
        "https://metadata.google.internal/x",
        "https://metadata.google.internal./x",
        "https://intranet/x",
        "ftp://client.example.com/x",
    ] {
        let (guard, asked) = guard(GuardPolicy::default(), &["8.8.8.8"]);
        let refused = guard.get(&Url::parse(url).unwrap(), 5120).await.unwrap_err();
        assert!(matches!(refused, NotFetched::Refused(_)), "{url}: {refused}");
        assert_eq!(asked.load(Ordering::Relaxed), 0, "{url}");
    }
}

/// SS-2, CI-10, T-SSRF-03, T-SSRF-04: one address that is not public spoils a name, and names are resolved once.
#[tokio::test]
async fn ss_2_all_addresses_of_a_name_are_looked_at() {
    let url = "https://client.example.com/x";
    for addresses in
        [&["10.0.0.1"][..], &["8.8.8.8", "10.0.0.1"], &["10.0.0.1", "8.8.8.8"], &["::1"]]
    {
        let refused = refused(GuardPolicy::default(), addresses, url).await;
        assert!(matches!(refused, NotFetched::NotPublic(_)), "{addresses:?}: {refused}");
    }
    // An own host may be anywhere; here nobody listens.
    let (guard, asked) = guard(private("client.example.com"), &["127.0.0.1"]);
    let nobody = Url::parse("https://client.example.com:1/x").unwrap();
    let outcome = guard.get(&nobody, 5120).await.unwrap_err();
    assert!(matches!(outcome, NotFetched::Unreachable(_)), "{outcome}");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

/// CI-14, SS-6, T-SSRF-14: with a list only its hosts are asked, and through a proxy none without one.
#[tokio::test]
async fn ss_6_only_listed_hosts() {
    let url = "https://client.example.com/x";
    let listed = GuardPolicy { hosts: vec!["Other.example.com".into()], ..Default::default() };
    assert_eq!(refused(listed.clone(), &["8.8.8.8"], url).await, NotFetched::NotListed);
    let other = refused(listed, &["10.0.0.1"], "https://other.example.com/x").await;
    assert!(matches!(other, NotFetched::NotPublic(_)), "a list is no way around: {other}");
    let proxy = ForwardProxy::new("http://127.0.0.1:1", &[]).unwrap();
    let through = GuardPolicy { proxy: Some(proxy), ..GuardPolicy::default() };
    assert_eq!(refused(through, &["8.8.8.8"], url).await, NotFetched::NotListed);
}

#[test]
fn ci_2_what_is_json() {
    let fetched = |kind: &'static str| Fetched {
        status: 200,
        headers: HeaderMap::from_iter([(CONTENT_TYPE, kind.parse().unwrap())]),
        body: Bytes::new(),
    };
    for json in ["application/json", "Application/JSON; charset=utf-8", "application/x+json"] {
        assert!(fetched(json).is_json(), "{json}");
    }
    for other in ["text/html", "text/json", "application/jsonp", "image/x+json", ""] {
        assert!(!fetched(other).is_json(), "{other}");
    }
}

/// SS-2, SS-6: what goes past the proxy is connected to from here, so its addresses are looked at; the proxy's
/// own are the operator's business.
#[tokio::test]
async fn ss_6_what_goes_past_a_proxy_is_looked_at() {
    let past = |url: &str, direct: &[String]| GuardPolicy {
        hosts: vec!["client.example.com".into(), "proxy.example.com".into()],
        proxy: Some(ForwardProxy::new(url, direct).unwrap()),
        ..GuardPolicy::default()
    };
    let (proxy, url) = ("http://proxy.example.com:1", "https://client.example.com/x");
    let direct = past(proxy, &["client.example.com".to_owned()]);
    let outcome = refused(direct, &["10.0.0.1"], url).await;
    assert!(matches!(outcome, NotFetched::NotPublic(_)), "{outcome}");
    // Nobody listens at the port of the proxy, which is asked all the same.
    let outcome = refused(past(proxy, &[]), &["127.0.0.1"], url).await;
    assert!(matches!(outcome, NotFetched::Unreachable(_)), "{outcome}");
    let itself = "https://proxy.example.com/x";
    let outcome = refused(past(proxy, &["proxy.example.com".to_owned()]), &["127.0.0.1"], itself);
    assert!(matches!(outcome.await, NotFetched::Refused(_)));
}

/// SS-5: a host that takes a connection and says nothing is given up within the time.
#[tokio::test(start_paused = true)]
async fn ss_5_a_silent_host_is_given_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://client.example.com:{}/x", silent.local_addr().unwrap().port());
    let begun = tokio::time::Instant::now();
    let outcome = refused(private("client.example.com"), &["127.0.0.1"], &url).await;
    assert!(matches!(outcome, NotFetched::Unreachable(_)), "{outcome}");
    assert!(begun.elapsed().as_secs() <= TOTAL_SECONDS, "{:?}", begun.elapsed());
}
