// A client of 2025, made by hand: a handshake, a session, and answers to what the server asks.

import { cancelling } from './cancelling.mjs';
import { Watch } from './watch.mjs';

export class LegacyClient {
  #wire;
  #version;
  #capabilities;
  #nextId = 1;
  #session;
  #watches = [];

  constructor(wire, version, capabilities = {}) {
    this.#wire = wire;
    this.#version = version;
    this.#capabilities = capabilities;
  }

  get #headers() {
    return {
      ...(this.#session ? { 'mcp-session-id': this.#session } : {}),
      // 2025-03-26 does not know the header.
      ...(this.negotiated > '2025-03-26' ? { 'mcp-protocol-version': this.negotiated } : {}),
    };
  }

  /** The handshake. What was negotiated is in `negotiated`. */
  async open() {
    const reply = await this.request('initialize', {
      protocolVersion: this.#version, capabilities: this.#capabilities, clientInfo: { name: 'raw', version: '1.0.0' },
    }, { onHead: ({ headers }) => { this.#session = headers.get('mcp-session-id') ?? undefined; } });
    if (!reply.result) return reply;
    this.negotiated = reply.result.protocolVersion;
    await this.notify('notifications/initialized');
    return reply;
  }

  async notify(method, params) {
    const body = { jsonrpc: '2.0', method, ...(params ? { params } : {}) };
    return this.#wire.exchange({ headers: this.#headers, body });
  }

  async #answer(asked, answer) {
    const body = { jsonrpc: '2.0', id: asked.id, result: answer(asked) };
    await this.#wire.exchange({ headers: this.#headers, body });
  }

  /** One request; what the server asks meanwhile is answered by `how.answer`. */
  async request(method, params = {}, how = {}) {
    if (how.logLevel) await this.request('logging/setLevel', { level: how.logLevel });
    const id = this.#nextId++;
    how.onId?.(id);
    const meta = how.progressToken === undefined ? {} : { _meta: { progressToken: how.progressToken } };
    const [notifications, answers] = [[], []];
    const { status, messages } = await this.#wire.exchange({
      headers: this.#headers,
      body: { jsonrpc: '2.0', id, method, params: { ...params, ...meta } },
      signal: how.signal,
      onHead: how.onHead,
      onMessage: (message) => {
        if (message?.method && message.id !== undefined && how.answer) answers.push(this.#answer(message, how.answer));
        else if (message?.method) { notifications.push(message); how.onNotification?.(message); }
      },
    });
    await Promise.all(answers);
    const reply = messages.find((message) => message?.id === id && !message.method);
    return { status, result: reply?.result, error: reply?.error, notifications };
  }

  /** The GET stream, and a subscription for each URI. */
  async watch({ uris = [] } = {}) {
    const stop = new AbortController();
    let head;
    const opened = new Promise((resolve) => { head = resolve; });
    const watch = new Watch(async () => { stop.abort(); await ended; });
    const ended = this.#wire.exchange({
      method: 'GET',
      headers: this.#headers,
      signal: stop.signal,
      onHead: head,
      onMessage: (message) => message && watch.hear(message),
    }).catch(head);
    const { status } = await opened;
    if (status !== 200) return undefined;
    this.#watches.push(watch);
    for (const uri of uris) {
      const { error } = await this.request('resources/subscribe', { uri });
      if (error) return undefined;
    }
    return watch;
  }

  cancelling() {
    return cancelling(this);
  }

  async close() {
    for (const watch of this.#watches) await watch.close();
    if (this.#session) await this.#wire.exchange({ method: 'DELETE', headers: this.#headers });
  }
}
