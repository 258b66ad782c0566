// `wicketgate doctor`, as an operator asks it about a configuration, without any server.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { run } from './command.mjs';
import * as configs from './configs.mjs';

/** A configuration by itself, for the length of a story. */
export function configured(signIn) {
  const directory = mkdtempSync(`${tmpdir()}/wicketgate-e2e-doctor-`);
  const path = `${directory}/wicketgate.toml`;
  configs.oneProcess({
    path,
    publicUrl: 'https://mcp.example.com',
    listen: '127.0.0.1:8787',
    database: `sqlite://${directory}/wicketgate.db`,
    ceiling: configs.SCOPES,
    upstream: 'http://127.0.0.1:9/mcp',
    rules: configs.READ_RULES,
    signIn,
  });
  const env = { ...configs.freshSecrets(), ...signIn.secrets };
  return {
    /** A command about it. */
    run: (...args) => run([...args, '--config', path], { env }),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

const SIGNS = { pass: 'ok', warning: 'warning', failure: 'failure' };

/** What doctor says: to a program and to a person, who must be told the same. */
export async function consult(configuration) {
  const [machine, human] = await Promise.all([configuration.run('doctor', '--json'), configuration.run('doctor')]);
  assert.equal(machine.code, human.code, `${machine.notes}\n${human.notes}`);
  const report = JSON.parse(machine.out);
  assert.equal(machine.code, report.good ? 0 : 1, machine.out);
  const findings = [...report.findings, ...report.providers.flatMap((provider) => provider.findings)];
  for (const { verdict, what, fix } of findings) {
    assert.ok(Object.values(SIGNS).includes(verdict), verdict);
    assert.ok(verdict === SIGNS.pass || fix, `"${what}" says what to do`);
  }
  return { code: machine.code, findings, providers: report.providers, text: human.out };
}

/** The only findings of this kind, with their causes and fixes. */
export function findingsOf({ findings }, verdict) {
  return findings.filter((finding) => finding.verdict === SIGNS[verdict]);
}

/** The two looks at a clock were not at the same moment. */
const timeless = (text) => text.replaceAll(/\d+ s (ahead|behind)/g, 'some time $1');

/** One cause, one fix, and the exit code that says so; the person reads both. */
export function mustFail(report, { what, fix, not }) {
  const failures = findingsOf(report, 'failure');
  assert.equal(report.code, 1, report.text);
  assert.equal(failures.length, 1, report.text);
  assert.match(failures[0].what, what);
  assert.match(failures[0].fix, fix);
  assert.ok(timeless(report.text).includes(timeless(failures[0].what)), report.text);
  assert.ok(report.text.includes(failures[0].fix), report.text);
  if (not) assert.doesNotMatch(report.text, not);
}

/** Nothing stands in the way of signing in. */
export function mustBeHealthy(report, { warnings = [] } = {}) {
  assert.equal(report.code, 0, report.text);
  assert.deepEqual(findingsOf(report, 'failure'), []);
  const found = findingsOf(report, 'warning');
  assert.equal(found.length, warnings.length, report.text);
  warnings.forEach((pattern, index) => assert.match(found[index].what, pattern));
}
