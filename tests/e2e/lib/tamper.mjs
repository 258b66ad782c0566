// Something between the gateway and its identity provider that can do harm on request: change
// answers, delay them, break them, or not be there at all.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { setTimeout } from 'node:timers/promises';

function openssl(...args) {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

const request = (file, name) => [
  'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-sha256', '-days', '30',
  '-keyout', `${file}.key`, '-out', `${file}.crt`, '-subj', `/CN=${name}`,
];

/** A key and a certificate for this host, and the certificate of the authority that vouches for it. */
export function certificateFor(host) {
  const directory = mkdtempSync(`${tmpdir()}/wicketgate-e2e-tls-`);
  const [authority, server] = [`${directory}/authority`, `${directory}/server`];
  const name = /^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`;
  try {
    openssl(...request(authority, 'Nobody knows us'));
    openssl(
      ...request(server, host), '-CA', `${authority}.crt`, '-CAkey', `${authority}.key`,
      '-addext', `subjectAltName=${name}`, '-addext', 'basicConstraints=critical,CA:FALSE',
    );
    const read = (file) => readFileSync(file, 'utf8');
    return { key: read(`${server}.key`), cert: read(`${server}.crt`), authority: read(`${authority}.crt`) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

// --- Harm that can be done. Each takes the exchange and says whether it has answered. ----------

/** Changes the JSON document that comes back. */
export const json = (change) => ({ answer: (answer) => ({ ...answer, body: JSON.stringify(change(JSON.parse(answer.body))) }) });

/** Changes the text that comes back, such as XML. */
export const text = (change) => ({ answer: (answer) => ({ ...answer, body: change(String(answer.body)) }) });

/** Changes the query that goes on, which the signature of the answer then covers. */
export const query = (changes) => ({
  request: (path) => {
    const url = new URL(path, 'http://path');
    for (const [name, value] of Object.entries(changes)) url.searchParams.set(name, value);
    return `${url.pathname}${url.search}`;
  },
});

/** Says something else instead of asking. */
export const say = (status, body = '', headers = {}) => ({
  instead: (response) => { response.writeHead(status, { 'content-type': 'text/html', ...headers }).end(body); },
});

/** Closes the connection without a word. */
export const cut = () => ({ instead: (response) => { response.socket.destroy(); } });

/** Says nothing, for as long as anybody wants to wait. */
export const hold = () => ({ instead: () => {} });

/** Answers rightly, but so many milliseconds late. */
export const late = (ms) => ({ delay: ms });

/** Answers as if its clock were this far off. */
export const clock = (seconds) => ({
  answer: (answer) => ({ ...answer, headers: { ...answer.headers, date: new Date(Date.now() + seconds * 1000).toUTCString() } }),
});

class Tamper {
  origin;
  /** The paths that were asked for, in order. */
  calls = [];
  #server;
  #target;
  #harms = [];

  async start({ host, tls }) {
    const serve = (request, response) => {
      this.#serve(request, response).catch(() => response.socket?.destroy());
    };
    this.#server = tls ? createTlsServer(tls, serve) : createServer(serve);
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.origin = `${tls ? 'https' : 'http'}://${host}:${this.#server.address().port}`;
    return this;
  }

  /** Whom it stands in front of. */
  forwardTo(origin) {
    this.#target = new URL(origin);
  }

  /** Does harm to every exchange with this path until the function that is returned is called. */
  at(path, harm) {
    const rule = { path, harm };
    this.#harms.push(rule);
    return () => { this.#harms = this.#harms.filter((other) => other !== rule); };
  }

  /** As {@link at}, everywhere. */
  everywhere(harm) {
    return this.at(undefined, harm);
  }

  /** How often a path was asked for. */
  count(path) {
    return this.calls.filter((call) => call === path).length;
  }

  async #serve(request, response) {
    const { pathname } = new URL(request.url, this.origin);
    this.calls.push(pathname);
    const harms = this.#harms.filter(({ path }) => path === undefined || path === pathname).map(({ harm }) => harm);
    const instead = harms.find((harm) => harm.instead);
    if (instead) return instead.instead(response);
    const path = harms.reduce((asked, harm) => harm.request?.(asked) ?? asked, request.url);
    const honest = await this.#ask(request, path);
    await setTimeout(Math.max(0, ...harms.map(({ delay = 0 }) => delay)));
    const { status, headers, body } = harms.reduce((answer, harm) => harm.answer?.(answer) ?? answer, honest);
    response.writeHead(status, headers).end(body);
    return undefined;
  }

  async #ask(request, path) {
    assert.ok(this.#target, 'forwardTo comes first');
    const scheme = this.origin.split(':')[0];
    const onward = httpRequest({
      // The name that it was reached by goes on, for the documents to be about that.
      host: '127.0.0.1',
      port: this.#target.port,
      path,
      method: request.method,
      headers: { ...request.headers, 'x-forwarded-proto': scheme, connection: 'close' },
    });
    request.pipe(onward);
    const [answer] = await once(onward, 'response');
    const chunks = [];
    for await (const chunk of answer) chunks.push(chunk);
    const { 'content-length': _, 'transfer-encoding': __, connection: ___, ...headers } = answer.headers;
    const body = Buffer.concat(chunks);
    return { status: answer.statusCode, headers, body: /json/.test(headers['content-type']) ? body.toString() : body };
  }

  async stop() {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/**
 * @param {object} [options]
 * @param {'127.0.0.1'|'localhost'} [options.host]
 * @param {{key: string, cert: string}} [options.tls] serves https with this certificate
 */
export function startTamper({ host = '127.0.0.1', tls } = {}) {
  return new Tamper().start({ host, tls });
}
