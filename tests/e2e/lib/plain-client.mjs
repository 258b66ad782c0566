// A client on oauth4webapi: every answer goes through the library's own checks before it counts.

import assert from 'node:assert/strict';
import * as oauth from 'oauth4webapi';
import { Person } from './person.mjs';

const PLAIN = { [oauth.allowInsecureRequests]: true };

/** The library itself finds fault, and says which. */
export async function mustBeCoded(action, code) {
  await assert.rejects(action, (error) => {
    assert.equal(error.code, code, `${error}`);
    return true;
  });
}

export class PlainClient {
  /** The authorization server's metadata, checked. */
  server;
  /** What is known of the client: what it was configured with, or the answer to its registration. */
  metadata;
  #deployment;
  #authentication;

  /** Finds the server by its issuer, as RFC 8414 says or as OpenID Connect does. */
  static async discover(deployment, algorithm = 'oauth2') {
    const issuer = new URL(deployment.issuer);
    const response = await oauth.discoveryRequest(issuer, { algorithm, ...PLAIN });
    const client = new PlainClient();
    client.#deployment = deployment;
    client.server = await oauth.processDiscoveryResponse(issuer, response);
    return client;
  }

  #with(changes) {
    const other = new PlainClient();
    Object.assign(other, { server: this.server, metadata: this.metadata }, changes);
    other.#deployment = this.#deployment;
    other.#authentication = this.#authentication;
    return other;
  }

  /** The same server for a client that it knows already. */
  as(metadata) {
    return this.#with({ metadata });
  }

  authenticating(authentication) {
    const other = this.#with({});
    other.#authentication = authentication;
    return other;
  }

  /** RFC 7591. */
  async register(metadata) {
    const response = await oauth.dynamicClientRegistrationRequest(this.server, metadata, PLAIN);
    const registered = await oauth.processDynamicClientRegistrationResponse(response);
    if (registered.client_secret) this.#deployment.secrets.push(registered.client_secret);
    return this.as(registered);
  }

  /** A person is asked, and comes back. Nothing of the answer is believed yet. */
  async ask(choices) {
    const [redirectUri] = this.metadata.redirect_uris;
    const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()];
    const url = new URL(this.server.authorization_endpoint);
    url.search = new URLSearchParams({
      response_type: 'code',
      client_id: this.metadata.client_id,
      redirect_uri: redirectUri,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    const person = new Person();
    const back = await person.authorize(url, choices);
    this.#deployment.secrets.push(verifier, ...person.codes);
    return { back, state, verifier, redirectUri };
  }

  /** The answer, once state and issuer are checked (RFC 9207 §2.4). */
  answer({ back, state }) {
    return oauth.validateAuthResponse(this.server, this.metadata, back.searchParams, state);
  }

  async redeem(asked) {
    const { redirectUri, verifier } = asked;
    const response = await oauth.authorizationCodeGrantRequest(
      this.server, this.metadata, this.#authentication, this.answer(asked), redirectUri, verifier, PLAIN);
    mustNotBeKept(response);
    return oauth.processAuthorizationCodeResponse(this.server, this.metadata, response);
  }

  /** Asks and redeems. */
  async connect(choices) {
    return this.redeem(await this.ask(choices));
  }

  async refresh(token) {
    const response = await oauth.refreshTokenGrantRequest(
      this.server, this.metadata, this.#authentication, token, PLAIN);
    mustNotBeKept(response);
    return oauth.processRefreshTokenResponse(this.server, this.metadata, response);
  }

  async actForItself() {
    const response = await oauth.clientCredentialsGrantRequest(
      this.server, this.metadata, this.#authentication, {}, PLAIN);
    mustNotBeKept(response);
    return oauth.processClientCredentialsResponse(this.server, this.metadata, response);
  }

  async revoke(token) {
    const response = await oauth.revocationRequest(this.server, this.metadata, this.#authentication, token, PLAIN);
    return oauth.processRevocationResponse(response);
  }

  async introspect(token) {
    const response = await oauth.introspectionRequest(
      this.server, this.metadata, this.#authentication, token, PLAIN);
    mustNotBeKept(response);
    return oauth.processIntrospectionResponse(this.server, this.metadata, response);
  }

  /** The access token as a resource server of this library takes it (RFC 9068 §4); its claims. */
  validate(token, audience) {
    const request = new Request(audience, { headers: { authorization: `Bearer ${token}` } });
    return oauth.validateJwtAccessToken(this.server, request, audience, PLAIN);
  }
}

/** RFC 6749 §5.1: whatever the answer is. */
function mustNotBeKept(response) {
  assert.equal(response.headers.get('cache-control'), 'no-store');
}
