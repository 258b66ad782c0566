// Sign-ins that come to nothing: what the person sees, what the operator reads, and that nothing
// came of it.

import assert from 'node:assert/strict';
import { signingIn } from './company.mjs';
import { glance } from './html.mjs';
import { Person } from './person.mjs';
import { ask } from './waiting-client.mjs';

const REDIRECT = 'http://127.0.0.1:6199/callback';

/** What the deployment's programs wrote since a moment. */
export function logSince(deployment) {
  const before = deployment.gateways.map(({ log }) => log.length);
  return () => deployment.gateways.map(({ log }, index) => log.slice(before[index])).join('\n');
}

/** Log lines reach us through a pipe. */
async function waitForLog(read, pattern) {
  const limit = Date.now() + 2_000;
  while (!pattern.test(read()) && Date.now() < limit) await new Promise((resolve) => { setTimeout(resolve, 20); });
  assert.match(read(), pattern);
}

/**
 * Somebody tries to sign in and cannot.
 *
 * @param {object} deployment
 * @param {object} how
 * @param {string} how.provider whose button
 * @param {string} [how.username]
 * @param {RegExp} how.log what the operator must be able to read
 * @param {number} how.status what the person's page answers
 * @param {string[]} [how.never] words of the provider that no page may repeat
 * @returns the person, and the page where they are left standing
 */
export async function mustStrand(deployment, { provider, username = 'ada', log, status, never = [] }) {
  const client = await ask(deployment.url, REDIRECT, 'Trouble story');
  const person = new Person();
  const read = logSince(deployment);
  const page = await person.strand(client.authorizationUrl, { as: signingIn(username, provider) });
  assert.equal(page.status, status, glance(page.html));
  assert.equal(page.url.origin, deployment.issuer, 'it is our page that tells the person');
  for (const word of never) assert.ok(!page.html.includes(word), `the page does not repeat ${word}`);
  await waitForLog(read, log);
  return { person, page };
}

/** A provider that failed a moment ago may be left alone for a little, and not for longer. */
const HEALING_LIMIT_MS = 5_000;

const TRIES = 25;

/** What failed works again, soon and by itself. */
export async function mustHeal(attempt, limitMs = HEALING_LIMIT_MS) {
  const limit = Date.now() + limitMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > limit) throw error;
    }
    await new Promise((resolve) => { setTimeout(resolve, limitMs / TRIES); });
  }
}

/** The person loads the page again, and goes on where it had stopped. */
export async function mustGoOnFrom(deployment, { person, page, provider, username = 'ada' }) {
  const back = await person.authorize(page.url, { as: signingIn(username, provider), redirectUri: REDIRECT });
  assert.ok(back.searchParams.get('code'), `${back.searchParams}`);
  deployment.secrets.push(...person.codes);
}
