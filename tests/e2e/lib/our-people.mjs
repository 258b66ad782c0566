// A deployment without a company's provider: people with passwords of ours, and two portals.

import { accountsOf, freshPassword } from './accounts.mjs';
import { PEOPLE } from './company.mjs';
import { signInWith } from './company-sign-in.mjs';
import { SCOPES } from './configs.mjs';
import { oneProcess } from './deployment.mjs';
import * as gateway from './gateway.mjs';
import { preparePortal } from './portal.mjs';
import { allTools } from './tools.mjs';
import { demoServer } from './upstreams.mjs';

const LOCAL = {
  entry: { id: 'local', name: 'Emergency access', kind: 'local', minimum_password_length: 14 }, secrets: {},
};

class OurPeople {
  deployment;
  accounts;
  /** Every tool of the upstream. */
  tools;
  /** Whose password is what at the moment. */
  passwords = Object.fromEntries(Object.keys(PEOPLE).map((username) => [username, freshPassword()]));
  #upstream;
  #portals = [];

  async start() {
    this.#upstream = await demoServer();
    this.tools = await allTools(this.#upstream.url);
    // Another site than ours, as a portal is for a browser.
    const portal = await preparePortal('intranet', 'localhost');
    const mistaken = await preparePortal('mistaken');
    this.#portals = [portal, mistaken];
    const signIn = signInWith(LOCAL, portal.provider, mistaken.provider);
    this.deployment = await oneProcess({ ceiling: SCOPES, upstream: this.#upstream.url, signIn });
    await portal.start(this.deployment.issuer);
    // It has not got the key that we have.
    await mistaken.start(this.deployment.issuer, freshPassword().repeat(2));
    this.accounts = accountsOf(this.deployment);
    for (const [username, person] of Object.entries(PEOPLE)) {
      await this.accounts.add(username, this.passwords[username], person);
    }
    return this;
  }

  /** How one of them signs in, see {@link signInStep}. */
  at(provider, username, more = {}) {
    return { provider, username, password: this.passwords[username], ...more };
  }

  async stop() {
    await this.deployment?.stop();
    for (const portal of this.#portals) await portal.stop();
    await gateway.stop(this.#upstream.program);
  }
}

/** `local` for passwords, `intranet` for the portal, `mistaken` for one with another key. */
export async function startOurPeople() {
  const people = new OurPeople();
  try {
    return await people.start();
  } catch (error) {
    await people.stop().catch(() => {});
    throw error;
  }
}
