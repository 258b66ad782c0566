//! Clients that somebody has connected.

use crate::ask::Ask;
use crate::client::{Client, Tokens};
use crate::person::{Person, Tick};
use crate::place::Place;

/// A client that somebody has connected.
pub struct Connected {
    /// The client.
    pub client: Client,
    /// Its first tokens.
    pub tokens: Tokens,
    /// The code that they came from.
    pub code: String,
    /// The request that led to it.
    pub ask: Ask,
}

impl Place {
    /// Somebody with an empty browser.
    pub fn person(&self) -> Person {
        Person::new(self)
    }

    /// A public client that registers itself.
    pub async fn client(&self) -> Client {
        Client::register(self).await
    }

    /// A new client with this name. Another one of the usual name would be the same as long as nobody
    /// connected it.
    pub async fn client_named(&self, name: &str) -> Client {
        Client::register_named(self, name).await
    }

    /// A new client, connected by `user` in a new browser with everything that is offered.
    pub async fn connect(&self, user: &str) -> Connected {
        let client = self.client().await;
        self.connect_client(client, user).await
    }

    /// This client, connected by `user` in a new browser with everything that is offered.
    pub async fn connect_client(&self, client: Client, user: &str) -> Connected {
        let (code, ask) = self.code(&client, user).await;
        let tokens = Tokens::of(&client.exchange(&code, &ask).await);
        Connected { client, tokens, code, ask }
    }

    /// A code for this client, not redeemed yet.
    pub async fn code(&self, client: &Client, user: &str) -> (String, Ask) {
        let ask = client.ask();
        let returned = self.person().authorize(&ask, user, Tick::All).await;
        (returned.code().to_owned(), ask)
    }
}
