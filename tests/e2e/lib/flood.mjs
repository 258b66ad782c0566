// A flood of what anybody can send without signing in, from many addresses of this machine.

import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';

/** How long an address waits between two rounds. */
const ROUND_MS = 2_000;

const json = { 'content-type': 'application/json' };

/** Addresses of the loopback network that nobody else uses here: 127.1.0.1, 127.1.0.2, … */
export function addresses(count) {
  return Array.from({ length: count }, (_, index) => `127.1.${index >> 7}.${(index & 127) + 1}`);
}

/** An address that this request claims to come from; nobody may believe it. */
function madeUp() {
  const [a, b] = randomBytes(2);
  return `203.0.${a}.${b}`;
}

/** One request from `from`; its status and its text, or `broken` if the connection was cut. */
function send(agent, from, url, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((resolve) => {
    const all = { 'x-forwarded-for': madeUp(), ...headers };
    const sent = request(url, { agent, localAddress: from, method, headers: all }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => { text += part; });
      response.on('end', () => resolve({ status: response.statusCode, text }));
      response.on('error', () => resolve({ status: 'broken', text }));
    });
    sent.on('error', () => resolve({ status: 'broken', text: '' }));
    sent.end(body);
  });
}

/** A body that says how long it is and comes byte by byte; how the connection ended, and when. */
function drip(from, url) {
  const start = performance.now();
  const form = 'application/x-www-form-urlencoded';
  const headers = { 'content-type': url.endsWith('/register') ? 'application/json' : form, 'content-length': '60000' };
  return new Promise((resolve) => {
    const sent = request(url, { agent: false, localAddress: from, method: 'POST', headers });
    const timer = setInterval(() => sent.write('x'), 1_000);
    const ended = (status) => {
      clearInterval(timer);
      sent.destroy();
      resolve({ status, ms: performance.now() - start });
    };
    sent.on('response', (response) => { response.resume(); ended(response.statusCode); });
    sent.on('error', () => ended('broken'));
  });
}

export class Flood {
  /** What was answered: kind of request → status → how often. */
  answers = {};
  /** How long a dripping body was listened to at most. */
  longestDripMs = 0;
  /** Registrations that were let through, by address. */
  registered = new Map();
  #places;
  #stopped = false;
  #runs;
  #agent = new Agent({ keepAlive: true, maxSockets: Infinity });

  /** `places`: `{ register, authorize, mcp, token, consent, revoke }`, and `direct` past the proxy. */
  constructor(places, from) {
    this.#places = places;
    this.#runs = from.flatMap((address, index) => [this.#rounds(address, index), this.#drips(address, index)]);
  }

  #count(kind, status) {
    const counts = (this.answers[kind] ??= {});
    counts[status] = (counts[status] ?? 0) + 1;
  }

  async #rounds(from, index) {
    const { register, authorize, mcp } = this.#places;
    const redirect = 'http://127.0.0.1:6199/callback';
    const metadata = JSON.stringify({ client_name: `Flood ${index}`, redirect_uris: [redirect], token_endpoint_auth_method: 'none' });
    let client;
    // Not all at the same moment.
    await this.#pause((index * ROUND_MS) / 200);
    while (!this.#stopped) {
      // One address tries far more than it may.
      for (let times = index === 0 ? 20 : 1; times > 0; times -= 1) {
        const registered = await send(this.#agent, from, register, { method: 'POST', headers: json, body: metadata });
        this.#count('register', registered.status);
        if (registered.status !== 201) continue;
        this.registered.set(from, (this.registered.get(from) ?? 0) + 1);
        client = JSON.parse(registered.text).client_id;
      }
      if (client) {
        const query = new URLSearchParams({
          response_type: 'code', client_id: client, redirect_uri: redirect, state: 'flood', scope: 'mcp:read',
          code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256',
        });
        this.#count('authorize', (await send(this.#agent, from, `${authorize}?${query}`)).status);
      }
      const badToken = { authorization: `Bearer ${randomBytes(20).toString('hex')}`, ...json };
      this.#count('bad token', (await send(this.#agent, from, mcp, { method: 'POST', headers: badToken, body: '{}' })).status);
      const badOrigin = { origin: `https://${randomBytes(4).toString('hex')}.example`, ...json };
      this.#count('bad origin', (await send(this.#agent, from, mcp, { method: 'POST', headers: badOrigin, body: '{}' })).status);
      await this.#pause(ROUND_MS);
    }
  }

  /** Past the proxy, which would wait for the body itself. */
  async #drips(from, index) {
    const urls = this.#places.direct;
    while (!this.#stopped) {
      const { status, ms } = await drip(from, urls[index % urls.length]);
      this.#count('slow body', status);
      this.longestDripMs = Math.max(this.longestDripMs, ms);
    }
  }

  #pause(ms) {
    return new Promise((resolve) => { setTimeout(resolve, ms); });
  }

  async stop() {
    this.#stopped = true;
    await Promise.all(this.#runs);
    this.#agent.destroy();
  }
}
