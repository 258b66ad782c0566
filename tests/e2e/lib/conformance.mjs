// The official conformance suite, run against a URL: what it found, check by check.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Person } from './person.mjs';
import { freePort, Program } from './program.mjs';

const suite = fileURLToPath(new URL('../node_modules/@modelcontextprotocol/conformance/', import.meta.url));

/** The scenarios that a revision requires of a server, as the suite has frozen them. */
export function required(revision) {
  const text = readFileSync(`${suite}requirements/${revision}.yaml`, 'utf8');
  const [, list] = /^server:\n((?: {2}- .*\n)+)/m.exec(text);
  const names = [...list.matchAll(/- (\S+)/g)].map(([, name]) => name);
  assert.ok(names.length >= 30, `${names.length} scenarios`);
  return names;
}

/**
 * Runs them all.
 *
 * @returns {Promise<Map<string, {id: string, status: string, errorMessage?: string}[]>>} by scenario
 */
export function judge(url, revision) {
  return inDirectory('server', async (directory) => {
    const program = await start(revision, ['server', '--url', url, '--requirements', revision, '-o', directory], /^Not scored for /m);
    await program.ended;
  });
}

/** The scenarios for an authorization server. They are in no set of requirements. */
export const AUTHORIZATION = ['authorization-server-metadata-endpoint', 'authorization-code-grant'];

/**
 * Runs those, for a public client with this id whose redirect URI is on loopback. The suite waits for
 * a person, whom it tells where to go.
 *
 * @returns as {@link judge}, and the codes that came back
 */
export async function judgeAuthorization({ issuer, clientId, resource, choices }) {
  const port = await freePort();
  const person = new Person();
  const asked = /^https?:\/\/\S+[?&]code_challenge=\S+$/m;
  const checks = await inDirectory('authorization-server', async (directory) => {
    const args = ['authorization', '--url', issuer, '--client-id', clientId, '--port', String(port), '-o', directory];
    const program = await start('authorization', resource ? [...args, '--resource', resource] : args, asked);
    const back = await person.authorize(asked.exec(program.log)[0], choices);
    await (await fetch(back)).arrayBuffer();
    await program.ended;
  });
  return { checks, codes: person.codes };
}

function start(what, args, ready) {
  return Program.start({
    name: `conformance ${what}`, command: process.execPath, args: [`${suite}dist/index.js`, ...args], ready,
  });
}

/** Runs the suite with a directory to write to, and reads what it found. */
async function inDirectory(kind, run) {
  const directory = mkdtempSync(`${tmpdir()}/wicketgate-e2e-conformance-`);
  try {
    await run(directory);
    return read(directory, kind);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function read(directory, kind) {
  const name = new RegExp(`^${kind}-(.*)-\\d{4}-\\d\\d-\\d\\dT[\\d-]*Z$`);
  const found = readdirSync(directory).map((entry) => {
    const [, scenario] = name.exec(entry);
    return [scenario, JSON.parse(readFileSync(`${directory}/${entry}/checks.json`, 'utf8'))];
  });
  return new Map(found);
}

const said = ({ id, status, errorMessage, details }) => `${status} ${id}: ${errorMessage ?? ''} ${JSON.stringify(details ?? {}).slice(0, 500)}`;

/** The checks of a scenario that failed, each with what the suite had to say. */
export function failures(scenario, checks) {
  assert.ok(checks?.length > 0, `${scenario} did not run`);
  const failed = checks.filter(({ status }) => status === 'FAILURE');
  return failed.map((check) => ({ id: check.id, said: said(check) }));
}

// A list may come as one JSON answer instead of a stream of one event; the suite only notes that.
const states = (checks) => checks.map(({ id, status }) => `${id} ${status === 'INFO' ? 'SUCCESS' : status}`).sort();

/** Nothing failed, and each check came out as it did in `direct`, a run against the server itself. */
export function mustPass(scenario, checks, direct) {
  assert.deepEqual(failures(scenario, checks).map((failure) => failure.said), [], scenario);
  assert.deepEqual(states(checks), states(direct), `${scenario}: as without a gateway`);
}
