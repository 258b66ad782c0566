// The two pages about any provider, followed with a real one: what they say to configure lets people
// in, doctor finds nothing wrong, and the list of people tells which groups arrived.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { GROUPS, signingIn } from '../lib/company.mjs';
import { registerAt, trustAt } from '../lib/company-sign-in.mjs';
import { freshSecrets } from '../lib/configs.mjs';
import { connect, disconnect, MODES } from '../lib/connection.mjs';
import { blocksIn, page } from '../lib/documentation.mjs';
import * as gateway from '../lib/gateway.mjs';
import { startOidcIdp } from '../lib/oidc-idp.mjs';
import { Operator } from '../lib/operator.mjs';
import { freePort } from '../lib/program.mjs';
import { startSamlIdp } from '../lib/saml-idp.mjs';
import { secretsOf } from '../lib/story.mjs';
import { demoServer } from '../lib/upstreams.mjs';

const [firstSteps] = blocksIn(page('README.md'), 'toml').map(({ body }) => body);
const WITHOUT_PROVIDER = firstSteps.slice(0, firstSteps.indexOf('[[sign_in.provider]]'));

/** Each page's provider, what is its own in the snippet, and a mistake by which no groups arrive. */
const PROVIDERS = {
  'generic-oidc': {
    start: () => startOidcIdp(),
    secret: (idp) => ({ CORP_SECRET: idp.client.client_secret }),
    own: (idp) => [['https://login.example.com', idp.issuer], ['client_id = "…"', `client_id = "${idp.client.client_id}"`]],
    meet: registerAt,
    withoutGroups: [', "groups"]', ']'],
  },
  'generic-saml': {
    start: () => startSamlIdp({ host: 'localhost' }),
    secret: () => ({}),
    own: (idp) => [['https://login.example.com/saml/metadata', idp.metadataUrl], ['example.com"]', 'example.test"]']],
    meet: trustAt,
    withoutGroups: ['groups = "groups"', 'groups = "memberOf"'],
  },
};

for (const [name, provider] of Object.entries(PROVIDERS)) {
  describe(`docs/sign-in/${name}.md`, () => {
    const operator = new Operator();
    const [snippet] = blocksIn(page(`docs/sign-in/${name}.md`), 'toml').map(({ body }) => body);
    let upstream;
    let idp;
    let origin;
    let env;
    let server;

    /** The server of the README with the page's snippet, as whoever follows both would fill it in. */
    async function serve(changes = []) {
      const own = [
        ['https://mcp.example.com"', `${origin}"`],
        ['http://127.0.0.1:9000/mcp', upstream.url],
        ['"mcp-admins"', `"${GROUPS.admin}"`],
        ...provider.own(idp),
      ];
      const text = [...own, ...changes].reduce((all, [from, to]) => {
        assert.ok(all.includes(from), `${from} is on the pages`);
        return all.replace(from, to);
      }, WITHOUT_PROVIDER + snippet);
      writeFileSync(operator.config, text);
      server = await gateway.serveIn({ directory: operator.file(''), env });
      await provider.meet(idp, { issuer: origin }, 'corp');
    }

    /** What the list of people says after somebody came with a client. */
    async function cameIn(username) {
      const connection = await connect({ url: `${origin}/mcp`, mode: MODES.automatic, choices: { as: signingIn(username, 'corp') } });
      await disconnect(connection);
      server.assertNoSecrets(secretsOf(connection));
      const people = JSON.parse(await operator.type('wicketgate user list --json', env));
      assert.equal(people.length, 1, JSON.stringify(people));
      return people[0];
    }

    before(async () => {
      [upstream, idp] = await Promise.all([demoServer(), provider.start()]);
      const port = await freePort();
      origin = `http://127.0.0.1:${port}`;
      env = { ...freshSecrets(), ...provider.secret(idp), WICKETGATE__SERVER__LISTEN: `127.0.0.1:${port}` };
    });

    after(async () => {
      await server?.stop();
      await idp?.stop();
      await gateway.stop(upstream.program);
      operator.clear();
    });

    test('people get in, and their groups have arrived', async () => {
      await serve();
      assert.doesNotMatch(await operator.type('wicketgate doctor', env), /^ {2}failure/m);
      const person = await cameIn('ingrid');
      assert.deepEqual(person.groups, ['staff', GROUPS.admin]);
      assert.equal(person.user_type, 'administrator');
      assert.equal(person.email_verified, true);
      await gateway.stop(server);
    });

    test('O5: where groups are not asked for, or by another name, nothing fails and the list says so', async () => {
      await serve([provider.withoutGroups]);
      const person = await cameIn('ingrid');
      assert.deepEqual(person.groups, []);
      assert.equal(person.user_type, 'basic');
    });
  });
}
