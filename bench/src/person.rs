//! A person with a browser, and the client that this person connects.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context as _, bail, ensure};
use kernel::encoding::sha256_base64url;
use serde::Deserialize;
use url::form_urlencoded::Serializer;
use url::{Url, form_urlencoded};

use crate::portal;
use crate::token::{REDIRECT_URI, Tokens, VERIFIER, code_form, redeem};
use crate::wire::{Wire, header};

/// A person in front of a browser, with one registered client.
pub(crate) struct Person {
    address: SocketAddr,
    wire: Wire,
    cookies: BTreeMap<String, String>,
    /// Whom the portal vouches for.
    name: String,
    client_id: String,
}

#[derive(Deserialize)]
struct Registered {
    client_id: String,
}

struct Page {
    status: u16,
    location: Option<String>,
    text: String,
}

/// More pages than a sign-in and a consent take.
const MANY_PAGES: usize = 12;

impl Person {
    /// Somebody new, who registers a client at the server there.
    pub(crate) async fn at(address: SocketAddr) -> anyhow::Result<Self> {
        let mut person = Self {
            address,
            wire: Wire::connect(address).await?,
            cookies: BTreeMap::new(),
            name: portal::somebody(),
            client_id: String::new(),
        };
        person.take_another_client().await?;
        Ok(person)
    }

    /// Registers one more client, and connects that one from now on.
    pub(crate) async fn take_another_client(&mut self) -> anyhow::Result<()> {
        let registration = serde_json::json!({
            "client_name": "bench",
            "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        });
        let body = registration.to_string();
        let page = self.post("/register", "application/json", &body).await?;
        ensure!(page.status == 201, "registration: {}", page.text);
        self.client_id = serde_json::from_str::<Registered>(&page.text)?.client_id;
        Ok(())
    }

    /// Takes a new connection: one that is not used for long is closed by the server.
    pub(crate) async fn reconnect(&mut self) -> anyhow::Result<()> {
        self.wire = Wire::connect(self.address).await?;
        Ok(())
    }

    /// Where the server is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The client that is registered.
    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Goes through sign-in and consent for one resource, and redeems the code.
    pub(crate) async fn authorize(&mut self, resource: &str) -> anyhow::Result<Tokens> {
        let code = self.code(resource).await?;
        redeem(&mut self.wire, self.address, &code_form(&self.client_id, &code)).await
    }

    /// Goes through sign-in and consent as far as they are asked for, up to the code.
    pub(crate) async fn code(&mut self, resource: &str) -> anyhow::Result<String> {
        let query = Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", REDIRECT_URI)
            .append_pair("code_challenge", &sha256_base64url(VERIFIER.as_bytes()))
            .append_pair("code_challenge_method", "S256")
            .append_pair("scope", "mcp:read")
            .append_pair("resource", resource)
            .finish();
        let mut page = self.get(&format!("/authorize?{query}")).await?;
        for _ in 0..MANY_PAGES {
            page = match page.location {
                Some(location) if location.starts_with(REDIRECT_URI) => return code_in(&location),
                Some(location) => {
                    let back = portal::way_back(&location, self.address, &self.name)?;
                    self.get(&back.unwrap_or(location)).await?
                }
                None => self.fill(&page).await?,
            };
        }
        bail!("no code after {MANY_PAGES} pages")
    }

    /// Fills the page's form: goes to the portal, allows what is asked for.
    async fn fill(&mut self, page: &Page) -> anyhow::Result<Page> {
        ensure!(page.status == 200, "status {}: {}", page.status, page.text);
        let value_of = |name: &str| after(&page.text, &format!(r#"name="{name}" value=""#));
        let action = after(&page.text, r#"action=""#).context("a page without a form")?;
        let mut form = Serializer::new(String::new());
        for name in ["csrf", "txn"] {
            form.append_pair(name, value_of(name).context("a form without its tokens")?);
        }
        if page.text.contains(r#"name="decision""#) {
            form.append_pair("scope", "mcp:read").append_pair("decision", "allow");
        } else {
            form.append_pair("provider", portal::ID);
        }
        let form = form.finish();
        self.post_form(action, &form).await
    }

    async fn get(&mut self, path: &str) -> anyhow::Result<Page> {
        self.request(&format!("GET {path} HTTP/1.1\r\n"), "").await
    }

    async fn post_form(&mut self, path: &str, form: &str) -> anyhow::Result<Page> {
        self.post(path, "application/x-www-form-urlencoded", form).await
    }

    async fn post(&mut self, path: &str, content_type: &str, body: &str) -> anyhow::Result<Page> {
        let length = body.len();
        let start = format!(
            "POST {path} HTTP/1.1\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n"
        );
        self.request(&start, body).await
    }

    async fn request(&mut self, start: &str, body: &str) -> anyhow::Result<Page> {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookie = if cookies.is_empty() {
            String::new()
        } else {
            format!("Cookie: {}\r\n", cookies.join("; "))
        };
        let host = self.address;
        let request = format!("{start}Host: {host}\r\n{cookie}\r\n{body}");
        let answer = self.wire.ask(request.as_bytes()).await?;
        let page = Page {
            status: answer.status,
            location: header(answer.head, "location").map(str::to_owned),
            text: String::from_utf8_lossy(answer.body).into_owned(),
        };
        let set = set_cookies(answer.head);
        self.cookies.extend(set);
        Ok(page)
    }
}

fn set_cookies(head: &[u8]) -> Vec<(String, String)> {
    let lines = head.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| header(line, "set-cookie"))
        .filter_map(|cookie| cookie.split(';').next()?.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn code_in(location: &str) -> anyhow::Result<String> {
    let url = Url::parse(location)?;
    let mut query = form_urlencoded::parse(url.query().unwrap_or_default().as_bytes());
    let code = query.find(|(name, _)| name == "code");
    let (_, code) = code.with_context(|| format!("no code in {location}"))?;
    Ok(code.into_owned())
}

/// The text between `start` and the next quotation mark.
fn after<'t>(text: &'t str, start: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once('"').map(|(value, _)| value)
}
