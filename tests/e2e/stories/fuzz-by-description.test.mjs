// The server describes its endpoints for programs in OpenAPI, and schemathesis takes it at its word
// (MD-17): requests that the description allows and requests that it does not, a thousand of them. Every
// answer must be one that is described, in status, headers and body, and none a failure of the server.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as oauth from 'oauth4webapi';
import { AWKWARD_SECRET, startAuthority } from '../lib/authority.mjs';
import { PlainClient } from '../lib/plain-client.mjs';
import { Program } from '../lib/program.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The same requests in each run. */
const SEED = 1;
const MOST_EXAMPLES = 120;

const CHECKS = [
  'not_a_server_error', 'status_code_conformance', 'content_type_conformance',
  'response_headers_conformance', 'response_schema_conformance', 'negative_data_rejection',
  'unsupported_method', 'allow_header_conformance', 'ignored_auth', 'flawless_is_taken',
];

/** How often each must have answered so at least: it is not refusals alone that are looked at. */
const REACHED = {
  'POST /token 200': 30, 'POST /token 400': 50, 'POST /token 401': 5,
  'POST /revoke 200': 30, 'POST /revoke 400': 5, 'POST /revoke 401': 5,
  'POST /introspect 200': 30, 'POST /introspect 400': 5, 'POST /introspect 401': 5,
  'POST /register 201': 50, 'POST /register 400': 50,
};

let authority;
let deployment;

before(async () => {
  // The requests of schemathesis say that they come from many networks, see description_hooks.py.
  authority = await startAuthority({ trustedProxies: ['127.0.0.1'], registration: { per_minute: 6_000 } });
  ({ deployment } = authority);
});

after(() => authority.stop());

async function description() {
  const response = await fetch(`${deployment.issuer}/openapi.json`);
  assert.equal(response.status, 200);
  return response.json();
}

/** Runs schemathesis to its end; what it says, and the report of description_hooks.py. */
async function fuzz() {
  const client = await PlainClient.discover(deployment);
  const machine = client.as({ client_id: 'machine' }).authenticating(oauth.ClientSecretBasic(AWKWARD_SECRET));
  const { access_token: token } = await machine.actForItself();
  const report = deployment.file('fuzz.json');
  const setting = {
    resource: deployment.url,
    machine: { id: 'machine', secret: AWKWARD_SECRET },
    asks: { id: 'resource-server', secret: AWKWARD_SECRET },
    token,
    report,
  };
  const program = await Program.start({
    name: 'schemathesis',
    command: here('../.venv-schemathesis/bin/st'),
    args: [
      `--config-file=${here('../templates/schemathesis.toml')}`, 'run', `${deployment.issuer}/openapi.json`, '--url', deployment.issuer,
      '--checks', CHECKS.join(','), '--phases', 'examples,coverage,fuzzing', '--seed', String(SEED),
      '--max-examples', String(MOST_EXAMPLES), '--continue-on-failure', '--generation-database', 'none', '--no-color',
    ],
    env: { SCHEMATHESIS_HOOKS: here('../python/description_hooks.py'), FUZZ: JSON.stringify(setting) },
    cwd: deployment.file('.'),
    ready: /Loaded specification/,
  });
  const { code } = await program.ended;
  const { answers, issued } = JSON.parse(readFileSync(report, 'utf8'));
  deployment.secrets.push(token, ...issued);
  return { code, said: program.log, answers };
}

describe('the description', () => {
  test('names its own issuer, and the endpoints that the metadata name', async () => {
    const { servers, paths } = await description();
    assert.deepEqual(servers, [{ url: deployment.issuer }]);
    const { server } = await PlainClient.discover(deployment);
    for (const name of ['token', 'revocation', 'introspection', 'registration']) {
      const path = server[`${name}_endpoint`].slice(deployment.issuer.length);
      assert.ok(paths[path]?.post, `${path} is described`);
    }
  });

  test('holds for whatever is sent', async () => {
    const { code, said, answers } = await fuzz();
    assert.equal(code, 0, said);
    const missing = Object.entries(REACHED).filter(([answer, least]) => (answers[answer] ?? 0) < least);
    assert.deepEqual(missing.map(([answer]) => `${answer}: ${answers[answer] ?? 0} times`), [], JSON.stringify(answers));
  });
});
