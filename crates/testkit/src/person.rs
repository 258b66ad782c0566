//! A person with a browser: cookies, redirects and forms.

use std::collections::BTreeMap;
use std::sync::Mutex;

use reqwest::header::{HeaderMap, HeaderValue, SET_COOKIE};

use crate::answer::Answer;
use crate::ask::{Ask, Return};
use crate::html::{Form, tags};
use crate::place::Place;

/// A person. Each has a browser of their own, and a browser has one set of cookies for our host.
#[derive(Debug)]
pub struct Person {
    place: Place,
    cookies: Mutex<BTreeMap<String, String>>,
    arrives: Mutex<Option<&'static str>>,
    /// Every cookie value that the browser was ever given.
    pub given: Mutex<Vec<String>>,
}

/// What the browser shows at the end of a navigation, or where it left our site to.
#[derive(Clone, Debug)]
pub struct Page {
    /// The last URL of ours.
    pub url: String,
    /// The last answer of ours.
    pub answer: Answer,
    /// Statuses of the redirects on the way here, oldest first, this answer's own included.
    pub hops: Vec<u16>,
    /// The URL off our site to which the last answer redirects.
    pub left_to: Option<String>,
}

/// Which permissions a person ticks on the consent page.
#[derive(Clone, Copy, Debug)]
pub enum Tick<'a> {
    /// Every one that is offered.
    All,
    /// As the page suggests.
    AsOffered,
    /// These and nothing else, as far as they are offered.
    Only(&'a [&'a str]),
}

/// More redirects than any flow of ours has.
const MAX_HOPS: usize = 10;

impl Person {
    /// Somebody with an empty browser.
    pub fn new(place: &Place) -> Self {
        Self {
            place: place.clone(),
            cookies: Mutex::default(),
            arrives: Mutex::default(),
            given: Mutex::default(),
        }
    }

    /// From now on the browser says who sent it to the pages that it opens: `Sec-Fetch-Site` of the Fetch
    /// Metadata specification. Without this it says nothing, like an old one.
    pub fn arrives(&self, site: &'static str) {
        *self.arrives.lock().expect("no poison") = Some(site);
    }

    /// Opens a URL and follows redirects as long as they stay on our site.
    pub async fn visit(&self, url: &str) -> Page {
        let first = self.get_once(url).await;
        self.follow(url.to_owned(), first).await
    }

    /// Opens a URL and follows nothing.
    pub async fn get_once(&self, url: &str) -> Answer {
        let request = self.place.http.get(url);
        let site = *self.arrives.lock().expect("no poison");
        self.send(match site {
            Some(site) => request
                .header("sec-fetch-site", site)
                .header("sec-fetch-mode", "navigate")
                .header("sec-fetch-dest", "document"),
            None => request,
        })
        .await
    }

    /// Sends the page's form with a button.
    pub async fn press(&self, page: &Page, name: &str, value: &str) -> Page {
        self.submit(page, page.form(), Some((name, value)), HeaderMap::new()).await
    }

    /// Sends a form, filled in somehow, as from this page and with these headers.
    pub async fn submit(
        &self,
        page: &Page,
        form: Form,
        button: Option<(&str, &str)>,
        headers: HeaderMap,
    ) -> Page {
        let url = url::Url::parse(&page.url)
            .and_then(|base| base.join(&form.action))
            .expect("a form action");
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&form.fields)
            .extend_pairs(button)
            .finish();
        let request = self
            .place
            .http
            .post(url.as_str())
            .headers(headers)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        let answer = self.send(request).await;
        self.follow(url.into(), answer).await
    }

    /// Sends the page's form with these fields filled in.
    pub async fn fill(&self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let form = fields.iter().fold(page.form(), |form, (name, value)| form.with(name, value));
        self.submit(page, form, None, HeaderMap::new()).await
    }

    /// Opens the request, signs in as `user` and stops at the consent page.
    pub async fn sign_in(&self, ask: &Ask, user: &str) -> Page {
        let page = self.visit(&ask.url()).await;
        if page.has_button("decision") {
            return page;
        }
        self.press(&page, "user", user).await
    }

    /// Allows what is ticked on a consent page and returns to the client.
    pub async fn allow(&self, page: &Page, tick: Tick<'_>) -> Page {
        let mut form = page.form();
        form.tick(tick);
        let button = Some(("decision", "allow"));
        self.submit(page, form, button, HeaderMap::new()).await
    }

    /// The whole of it: sign in as `user`, tick, allow, and back to the client.
    pub async fn authorize(&self, ask: &Ask, user: &str, tick: Tick<'_>) -> Return {
        let consent = self.sign_in(ask, user).await;
        self.allow(&consent, tick).await.returned()
    }

    /// The cookies as the browser has them now.
    pub fn cookies(&self) -> BTreeMap<String, String> {
        self.cookies.lock().expect("no poison").clone()
    }

    /// Puts other cookies into the browser.
    pub fn set_cookies(&self, cookies: BTreeMap<String, String>) {
        *self.cookies.lock().expect("no poison") = cookies;
    }

    async fn follow(&self, mut url: String, mut answer: Answer) -> Page {
        let mut hops = Vec::new();
        loop {
            hops.push(answer.status);
            assert!(hops.len() <= MAX_HOPS, "redirected in circles at {url}");
            let Some(location) = answer.header("location") else {
                return Page { url, answer, hops, left_to: None };
            };
            let target = location.to_owned();
            // Paths and URLs below our origin are ours; the rest is read byte for byte.
            let ours = target.starts_with('/') && !target.starts_with("//")
                || target.starts_with(&format!("{}/", self.place.origin()));
            if !ours {
                return Page { url, answer, hops, left_to: Some(target) };
            }
            url = url::Url::parse(&url).and_then(|base| base.join(&target)).expect("a URL").into();
            answer = self.get_once(&url).await;
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let cookies = self.cookies();
        let header: Vec<String> =
            cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request =
            if header.is_empty() { request } else { request.header("cookie", header.join("; ")) };
        let answer = Answer::to(request).await;
        for cookie in answer.headers.get_all(SET_COOKIE) {
            self.keep(cookie);
        }
        answer
    }

    fn keep(&self, cookie: &HeaderValue) {
        let cookie = cookie.to_str().expect("an ASCII cookie");
        let mut parts = cookie.split(';').map(str::trim);
        let pair = parts.next().and_then(|pair| pair.split_once('='));
        let (name, value) = pair.expect("a cookie with a name");
        let gone = parts.any(|part| part.eq_ignore_ascii_case("max-age=0"));
        let mut jar = self.cookies.lock().expect("no poison");
        if gone {
            jar.remove(name);
        } else {
            jar.insert(name.to_owned(), value.to_owned());
            self.given.lock().expect("no poison").push(value.to_owned());
        }
    }
}

impl Page {
    /// The page's form.
    #[track_caller]
    pub fn form(&self) -> Form {
        Form::of(&self.answer.body)
    }

    /// The one of the page's forms that has this field or button, or goes to a path with this end.
    #[track_caller]
    pub fn form_for(&self, mark: &str) -> Form {
        let has = |form: &Form| {
            let named = |(name, _): &(String, String)| name == mark;
            form.action.ends_with(mark)
                || form.fields.iter().any(named)
                || form.buttons.iter().any(named)
        };
        match Form::all_of(&self.answer.body).into_iter().find(has) {
            Some(form) => form,
            None => panic!("no form for {mark} at {}: {}", self.url, self.answer.body),
        }
    }

    /// Whether the page has a button with this name.
    pub fn has_button(&self, name: &str) -> bool {
        tags(&self.answer.body)
            .iter()
            .any(|tag| tag.name == "button" && tag.get("name") == Some(name))
    }

    /// The links of the page.
    pub fn links(&self) -> Vec<String> {
        tags(&self.answer.body)
            .iter()
            .filter(|tag| tag.name == "a")
            .filter_map(|tag| tag.get("href").map(str::to_owned))
            .collect()
    }

    /// Where the browser left to, read as an authorization response.
    #[track_caller]
    pub fn returned(&self) -> Return {
        match &self.left_to {
            Some(url) => Return::read(url),
            None => panic!("still at {}: {} {}", self.url, self.answer.status, self.answer.body),
        }
    }

    /// The way back to the client that a page offers with a click, read as a response.
    #[track_caller]
    pub fn offered_return(&self, redirect_uri: &str) -> Return {
        let links = self.links();
        match links.iter().find(|link| link.starts_with(redirect_uri)) {
            Some(url) => Return::read(url),
            None => panic!("no link to {redirect_uri} at {}: {links:?}", self.url),
        }
    }
}

impl Form {
    /// Ticks permissions on a consent form.
    pub fn tick(&mut self, tick: Tick<'_>) {
        let wanted = |value: &str| match tick {
            Tick::All => true,
            Tick::AsOffered => unreachable!("the form is as it was offered"),
            Tick::Only(values) => values.contains(&value),
        };
        if matches!(tick, Tick::AsOffered) {
            return;
        }
        let choices = self.choices.clone();
        self.fields.retain(|field| !choices.contains(field));
        let chosen = choices.into_iter().filter(|(_, value)| wanted(value));
        self.fields.extend(chosen);
    }

    /// What would be sent under this name.
    pub fn values(&self, name: &str) -> Vec<&str> {
        let fields = self.fields.iter().filter(|(known, _)| known == name);
        fields.map(|(_, value)| value.as_str()).collect()
    }

    /// With another value for a field.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }
}
