//! One of the ways to the same server: direct, through nginx, through a gateway.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};

use crate::ask::{Ask, Era, What};
use crate::asker::Script;
use crate::person::Person;
use crate::process::Family;
use crate::template::{MARKER, Template};
use crate::token::Tokens;
use crate::wire::{Wire, header};

/// One way.
#[derive(Clone)]
pub(crate) struct Lane {
    /// Its name in the tables.
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    /// Whose processor time counts.
    pub(crate) watched: Family,
    /// Where few tools are.
    pub(crate) few: Place,
    /// Where many are.
    pub(crate) many: Place,
}

/// One MCP endpoint.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) path: &'static str,
    /// The access token, where one is needed.
    pub(crate) token: Option<String>,
}

impl Lane {
    /// A lane without authorization.
    pub(crate) fn open(name: &'static str, address: SocketAddr, pid: u32) -> anyhow::Result<Self> {
        let place = |path| Place { path, token: None };
        Ok(Self {
            name,
            address,
            watched: Family::of(pid)?,
            few: place("/mcp"),
            many: place("/big"),
        })
    }

    /// The lane through Wicketgate. A person gives the client access to both resources first.
    pub(crate) async fn with_tokens_of(
        person: &mut Person,
        address: SocketAddr,
        pid: u32,
    ) -> anyhow::Result<Self> {
        let mut lane = Self::open("wicketgate", address, pid)?;
        lane.many.path = "/mcp/big";
        for place in [&mut lane.few, &mut lane.many] {
            let resource = format!("http://{address}{}", place.path);
            place.token = Some(person.authorize(&resource).await?.access_token);
        }
        Ok(lane)
    }

    /// A lane through Wicketgate to one more of its servers.
    pub(crate) async fn to_server(
        person: &mut Person,
        address: SocketAddr,
        watched: &Family,
        path: &'static str,
    ) -> anyhow::Result<(Self, Tokens)> {
        let tokens = person.authorize(&format!("http://{address}{path}")).await?;
        let place = Place { path, token: Some(tokens.access_token.clone()) };
        let lane = Self {
            name: "wicketgate",
            address,
            watched: watched.clone(),
            few: place.clone(),
            many: place,
        };
        Ok((lane, tokens))
    }

    /// Opens a session if need be, asks once, looks closely at the answer, and prepares both to
    /// be repeated.
    pub(crate) async fn prepare(&self, ask: Ask) -> anyhow::Result<Script> {
        let place = self.place(ask);
        let (request, expected) = self.rehearse(ask, place).await.with_context(|| {
            format!("{} does not answer {ask:?} at {} rightly", self.name, place.path)
        })?;
        Ok(Script::new(self.address, request, expected))
    }

    /// How many reads it takes to receive an answer that comes in parts.
    pub(crate) async fn parts(&self, ask: Ask) -> anyhow::Result<u32> {
        let place = self.place(ask);
        let mut wire = Wire::connect(self.address).await?;
        let session = self.session(&mut wire, ask, place).await?;
        let request = self.request(place, &ask.headers(session.as_deref()), &ask.body());
        let answer = wire.ask(&request).await?;
        ask.check(answer.body)?;
        Ok(answer.reads)
    }

    /// The request of [`Lane::prepare`] with another token each.
    pub(crate) fn with_tokens(&self, ask: Ask, tokens: &[String]) -> Vec<Template> {
        let place = self.place(ask);
        let each = |token: &String| {
            let place = Place { path: place.path, token: Some(token.clone()) };
            Template::of(self.request(&place, &ask.headers(None), &ask.body()))
        };
        tokens.iter().map(each).collect()
    }

    fn place(&self, ask: Ask) -> &Place {
        match ask.what {
            What::BigList => &self.many,
            What::List | What::Call(_) => &self.few,
        }
    }

    async fn rehearse(&self, ask: Ask, place: &Place) -> anyhow::Result<(Template, Template)> {
        let mut wire = Wire::connect(self.address).await?;
        let session = self.session(&mut wire, ask, place).await?;
        let request = self.request(place, &ask.headers(session.as_deref()), &ask.body());
        let answer = wire.ask(&request).await?;
        ensure!(
            answer.status == 200,
            "status {}: {}",
            answer.status,
            String::from_utf8_lossy(answer.body)
        );
        ask.check(answer.body)?;
        let expected = Template::of(answer.body.to_vec());
        ensure!(expected.places() > 0, "the answer has no id");
        Ok((Template::of(request), expected))
    }

    /// MCP 2025-11-25, "Lifecycle".
    pub(crate) async fn session(
        &self,
        wire: &mut Wire,
        ask: Ask,
        place: &Place,
    ) -> anyhow::Result<Option<String>> {
        if ask.era == Era::Stateless {
            return Ok(None);
        }
        let initialize = format!(
            r#"{{"jsonrpc":"2.0","id":{MARKER},"method":"initialize","params":{{"protocolVersion":"2025-11-25","capabilities":{{}},"clientInfo":{{"name":"bench","version":"1"}}}}}}"#
        );
        let answer = wire.ask(&self.request(place, "", &initialize)).await?;
        ensure!(
            answer.status == 200,
            "initialize: status {}: {}",
            answer.status,
            String::from_utf8_lossy(answer.body)
        );
        let session = header(answer.head, "mcp-session-id").map(str::to_owned);
        let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        let headers = ask.headers(session.as_deref());
        let answer = wire.ask(&self.request(place, &headers, initialized)).await?;
        ensure!(answer.status == 202, "initialized: status {}", answer.status);
        Ok(session)
    }

    /// A POST to that endpoint.
    pub(crate) fn request(&self, place: &Place, headers: &str, body: &str) -> Vec<u8> {
        let Place { path, token } = place;
        let (host, length) = (self.address, body.len());
        let authorization = token
            .as_ref()
            .map(|token| format!("Authorization: Bearer {token}\r\n"))
            .unwrap_or_default();
        format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: bench\r\n\
             Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n\
             {authorization}{headers}Content-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }
}
