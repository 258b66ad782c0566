// Clients that refresh all the time, while a story does something to the database or to a replica.

import assert from 'node:assert/strict';
import { refresh } from './tokens.mjs';

/** A client that refreshes without a pause, and always with the last token that it was given. */
export class Refresher {
  refusals = 0;
  worksSince = 0;
  lastWorked = 0;
  #metadata;
  #provider;
  #token;
  #stopped = false;
  tokens = [];

  constructor(metadata, provider) {
    this.#metadata = metadata;
    this.#provider = provider;
    this.#token = provider.tokens().refresh_token;
    this.run = this.#go();
    // A failure is told where the run is awaited.
    this.run.catch(() => {});
  }

  async #go() {
    while (!this.#stopped) {
      const response = await refresh(this.#metadata, this.#provider, this.#token);
      const answer = await response.json();
      if (response.status === 200) {
        this.lastWorked = performance.now();
        this.worksSince ||= this.lastWorked;
        this.#token = answer.refresh_token;
        this.tokens.push(answer.access_token, answer.refresh_token);
      } else {
        // Nothing is lost, and the client is told to come again (T-STO-07).
        assert.equal(response.status, 503, JSON.stringify(answer));
        assert.equal(answer.error, 'temporarily_unavailable');
        assert.ok(Number(response.headers.get('retry-after')) > 0);
        this.refusals += 1;
        this.worksSince = 0;
      }
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
  }

  stop() {
    this.#stopped = true;
    return this.run;
  }
}

/** Looks again and again, and fails when it takes longer than it may. */
export async function until(what, holds, limitMs = 30_000) {
  const start = performance.now();
  while (!(await holds())) {
    assert.ok(performance.now() - start < limitMs, `after ${limitMs} ms not yet: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}
