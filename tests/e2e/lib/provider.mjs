// What the official client keeps about one authorization, in memory.

import { randomUUID } from 'node:crypto';

export class MemoryProvider {
  /** Where the client wants the browser to go; set when authorization is needed. */
  authorizationUrl;
  /** Every token response so far, oldest first. */
  issued = [];
  resource;
  #redirectUrl;
  #name;
  #client;
  #tokens;
  #verifiers = [];
  #discovery;

  constructor({ redirectUrl = 'http://127.0.0.1:6199/callback', name = 'End-to-end story' } = {}) {
    this.#redirectUrl = redirectUrl;
    this.#name = name;
  }

  get redirectUrl() {
    return this.#redirectUrl;
  }

  get clientMetadata() {
    return {
      client_name: this.#name,
      redirect_uris: [this.#redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }

  state() {
    this.expectedState = randomUUID();
    return this.expectedState;
  }

  clientInformation() {
    return this.#client;
  }

  saveClientInformation(client) {
    this.#client = client;
  }

  tokens() {
    return this.#tokens;
  }

  saveTokens(tokens) {
    this.#tokens = tokens;
    // The client saves a stamped copy of what it already had, too.
    if (this.issued.at(-1)?.access_token !== tokens.access_token) this.issued.push(tokens);
  }

  redirectToAuthorization(url) {
    this.authorizationUrl = url;
  }

  saveCodeVerifier(verifier) {
    this.#verifiers.push(verifier);
  }

  codeVerifier() {
    return this.#verifiers.at(-1);
  }

  discoveryState() {
    return this.#discovery;
  }

  saveDiscoveryState(state) {
    this.#discovery = state;
  }

  saveResourceUrl(resource) {
    this.resource = resource;
  }

  invalidateCredentials(scope) {
    if (scope === 'all' || scope === 'tokens') this.#tokens = undefined;
    if (scope === 'all' || scope === 'client') this.#client = undefined;
    if (scope === 'all' || scope === 'discovery') this.#discovery = undefined;
  }

  /** Makes the access token one that no server accepts, so that the client must refresh. */
  spoilAccessToken() {
    this.#tokens = { ...this.#tokens, access_token: `${this.#tokens.access_token}x` };
  }

  /** Everything that must never be in a log. */
  get secrets() {
    const tokens = this.issued.flatMap((one) => [one.access_token, one.refresh_token]);
    return [...tokens, ...this.#verifiers].filter(Boolean);
  }
}
