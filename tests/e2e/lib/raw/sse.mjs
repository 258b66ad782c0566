// A client of 2024-11-05, made by hand: one stream for everything that comes, and a place to POST to.

import { cancelling } from './cancelling.mjs';
import { Watch, within } from './watch.mjs';

export class SseClient {
  #wire;
  #capabilities;
  #nextId = 1;
  #endpoint;
  #stream = new Watch(async () => { this.#stop.abort(); await this.#ended; });
  #stop = new AbortController();
  #ended;
  #waiting = new Map();

  constructor(wire, capabilities = {}) {
    this.#wire = wire;
    this.#capabilities = capabilities;
  }

  async open() {
    const named = new Promise((resolve) => {
      this.#ended = this.#wire.exchange({
        method: 'GET',
        signal: this.#stop.signal,
        onHead: ({ status }) => status !== 200 && resolve({ status }),
        onMessage: (message, event) => {
          if (event.name === 'endpoint') resolve({ status: 200, path: event.data });
          else if (message) this.#hear(message);
        },
      }).catch((error) => resolve({ status: 0, error }));
    });
    const { status, path } = await within(named, 'the endpoint event');
    if (status !== 200) return { status };
    this.#endpoint = new URL(path, this.#wire.url);
    if (this.#endpoint.origin !== new URL(this.#wire.url).origin) throw new Error(`sent elsewhere: ${path}`);
    const reply = await this.request('initialize', {
      protocolVersion: '2024-11-05', capabilities: this.#capabilities, clientInfo: { name: 'raw', version: '1.0.0' },
    });
    if (!reply.result) return reply;
    this.negotiated = reply.result.protocolVersion;
    await this.notify('notifications/initialized');
    return reply;
  }

  #hear(message) {
    this.#stream.hear(message);
    if (!message.method) this.#waiting.get(message.id)?.(message);
    else for (const look of this.#asked) look(message);
  }

  #asked = new Set();

  #post(body) {
    return this.#wire.exchange({ url: this.#endpoint, body });
  }

  notify(method, params) {
    return this.#post({ jsonrpc: '2.0', method, ...(params ? { params } : {}) });
  }

  async request(method, params = {}, how = {}) {
    if (how.logLevel) await this.request('logging/setLevel', { level: how.logLevel });
    const id = this.#nextId++;
    how.onId?.(id);
    const meta = how.progressToken === undefined ? {} : { _meta: { progressToken: how.progressToken } };
    const notifications = [];
    const look = (message) => {
      if (message.id !== undefined && how.answer) this.#post({ jsonrpc: '2.0', id: message.id, result: how.answer(message) });
      else if (message.id === undefined) { notifications.push(message); how.onNotification?.(message); }
    };
    this.#asked.add(look);
    const arrived = new Promise((resolve) => { this.#waiting.set(id, resolve); });
    const dropped = new Promise((resolve) => { how.signal?.addEventListener('abort', () => resolve({})); });
    const { status } = await this.#post({ jsonrpc: '2.0', id, method, params: { ...params, ...meta } });
    const reply = status < 300 ? await within(Promise.race([arrived, dropped]), method) : {};
    this.#asked.delete(look);
    this.#waiting.delete(id);
    return { status, result: reply.result, error: reply.error, notifications };
  }

  /** The stream is open anyway; a subscription for each URI is all there is to do. */
  async watch({ uris = [] } = {}) {
    for (const uri of uris) {
      const { error } = await this.request('resources/subscribe', { uri });
      if (error) return undefined;
    }
    return this.#stream;
  }

  cancelling() {
    return cancelling(this);
  }

  close() {
    return this.#stream.close();
  }
}
