// The same people with the official Python client.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SCOPES } from '../lib/configs.mjs';
import { oneProcess } from '../lib/deployment.mjs';
import * as gateway from '../lib/gateway.mjs';
import { allTools, granted, scopeOf } from '../lib/tools.mjs';
import { demoServer } from '../lib/upstreams.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const python = here('../.venv/bin/python');
const LIMIT_MS = 60_000;

/** Runs the story; gives back the secrets that it touched. */
function tell(setting) {
  assert.ok(existsSync(python), `${python} does not exist; run scripts/install-test-parts.sh`);
  const run = spawnSync(python, [here('../python/story.py')], {
    input: JSON.stringify(setting), encoding: 'utf8', timeout: LIMIT_MS,
  });
  assert.equal(run.status, 0, `${run.stderr}\n${run.error ?? ''}`);
  return JSON.parse(run.stdout);
}

let upstream;
let tools;

before(async () => {
  upstream = await demoServer();
  tools = await allTools(upstream.url);
});

after(() => gateway.stop(upstream.program));

const STORIES = {
  [SCOPES.join(' ')]: [
    { user: 'basic', ticks: ['default'], hidden: 'process_pause' },
    { user: 'manager', ticks: ['default', 'all'], hidden: 'admin_get_settings', challenged: true },
    { user: 'admin', ticks: ['all'], hidden: 'no_such_tool_anywhere' },
  ],
  'mcp:read': [
    { user: 'basic', ticks: ['default'], hidden: 'create_request' },
    { user: 'manager', ticks: ['all'], hidden: 'process_pause' },
    { user: 'admin', ticks: ['all'], hidden: 'admin_get_settings' },
  ],
};

for (const [ceiling, stories] of Object.entries(STORIES)) {
  describe(`with the ceiling ${ceiling}`, () => {
    let deployment;
    before(async () => {
      deployment = await oneProcess({ ceiling: ceiling.split(' '), upstream: upstream.url });
    });
    after(() => deployment.stop());

    for (const { user, ticks, hidden, challenged = false } of stories) {
      for (const mode of ['auto', 'legacy']) {
        test(`${user}, ${mode} mode`, () => {
          const scopes = granted(user, ceiling.split(' '), ticks[0]);
          const expected = tools.filter((tool) => scopes.includes(scopeOf(tool)));
          const setting = { url: deployment.url, mode, user, ticks, expected, hidden, challenged };
          deployment.secrets.push(...tell(setting));
        });
      }
    }
  });
}
