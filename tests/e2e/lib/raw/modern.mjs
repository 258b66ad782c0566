// A client of 2026-07-28, made by hand: no session, everything in each request.

import { Watch } from './watch.mjs';

const VERSION = '2026-07-28';
const META = 'io.modelcontextprotocol';
const MOST_ROUNDS = 5;

export class ModernClient {
  #wire;
  #capabilities;
  #nextId = 1;
  #watches = [];

  /** @param {object} capabilities what the client can be asked for */
  constructor(wire, capabilities = {}) {
    this.#wire = wire;
    this.#capabilities = capabilities;
  }

  /** Finds out whether the server is of this era, as a client does first. */
  async open() {
    return this.request('server/discover');
  }

  #headers(method, params) {
    const name = params.name ?? params.uri;
    const mirrored = ['tools/call', 'prompts/get', 'resources/read'].includes(method) ? { 'mcp-name': name } : {};
    return { 'mcp-protocol-version': VERSION, 'mcp-method': method, ...mirrored };
  }

  #message(method, params, { progressToken, logLevel }) {
    const meta = {
      [`${META}/protocolVersion`]: VERSION,
      [`${META}/clientInfo`]: { name: 'raw', version: '1.0.0' },
      [`${META}/clientCapabilities`]: this.#capabilities,
      ...(logLevel ? { [`${META}/logLevel`]: logLevel } : {}),
      ...(progressToken === undefined ? {} : { progressToken }),
    };
    return { jsonrpc: '2.0', id: this.#nextId++, method, params: { ...params, _meta: meta } };
  }

  /**
   * One request, and its retries while the server asks for input.
   *
   * @param {object} [how]
   * @param {(asked: {method: string, params: object}) => object} [how.answer] what the person or model says
   * @returns {Promise<{status: number, result?: object, error?: object, notifications: object[]}>}
   */
  async request(method, params = {}, how = {}) {
    const notifications = [];
    let more = {};
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const reply = await this.#once(method, { ...params, ...more }, how, notifications);
      const { result } = reply;
      if (result?.resultType !== 'input_required' || !how.answer) return { ...reply, notifications };
      const asked = Object.entries(result.inputRequests ?? {});
      more = {
        inputResponses: Object.fromEntries(asked.map(([key, request]) => [key, how.answer(request)])),
        ...(result.requestState === undefined ? {} : { requestState: result.requestState }),
      };
    }
    throw new Error(`${method} asks for ever`);
  }

  async #once(method, params, how, notifications) {
    const body = this.#message(method, params, how);
    const { status, messages } = await this.#wire.exchange({
      headers: this.#headers(method, params),
      body,
      signal: how.signal,
      onMessage: (message) => {
        if (message?.method) { notifications.push(message); how.onNotification?.(message); }
      },
    });
    const reply = messages.find((message) => message?.id === body.id && !message.method);
    return { status, result: reply?.result, error: reply?.error };
  }

  /** `subscriptions/listen` for all of this; resolves once the server has said what it honours. */
  async watch({ uris = [] } = {}) {
    const stop = new AbortController();
    const body = this.#message('subscriptions/listen', {
      notifications: {
        toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true, resourceSubscriptions: uris,
      },
    }, {});
    const watch = new Watch(async () => { stop.abort(); await ended; });
    const ended = this.#wire.exchange({
      headers: this.#headers('subscriptions/listen', {}),
      body,
      signal: stop.signal,
      onMessage: (message) => message && watch.hear(message),
    }).catch(() => {});
    this.#watches.push(watch);
    const first = await watch.until(() => true);
    return first?.method === 'notifications/subscriptions/acknowledged' ? watch : undefined;
  }

  /** 2026-07-28 §Cancellation: who closes the stream of an answer wants it no longer. */
  cancelling() {
    const stop = new AbortController();
    return { how: { signal: stop.signal }, cancel: async () => stop.abort() };
  }

  async close() {
    for (const watch of this.#watches) await watch.close();
  }
}
