// Which commands a shell script would run. The shell itself says so: with no program to be found, it
// hands each to one function, which writes it down.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';

const RECORDER = `
PATH=/nowhere
command_not_found_handle() {
  printf '%s\\0' "$#" "$@" >>"$RECORD"
}
`;

/** The part of a block that is typed: all of a script, or what follows `$` in a session. */
export function typed({ language, body }) {
  if (language === 'sh') return body;
  const lines = body.split('\n');
  return lines.filter((line, at) => line.startsWith('$ ') || isContinued(lines, at))
    .map((line) => line.replace(/^\$ /, '')).join('\n');
}

function isContinued(lines, at) {
  const before = lines[at - 1];
  return before !== undefined && before.endsWith('\\') && (before.startsWith('$ ') || isContinued(lines, at - 1));
}

/** The commands of a script with their arguments as the shell makes them; nothing is run. */
export function commandsOf(script) {
  const place = mkdtempSync(`${tmpdir()}/wicketgate-e2e-shell-`);
  try {
    // Where the pages redirect to.
    mkdirSync(`${place}/config`);
    const record = `${place}/record`;
    writeFileSync(record, '');
    const env = { RECORD: record, PWD: place };
    execFileSync('/bin/bash', ['-ec', `${RECORDER}${script}`], { cwd: place, env, stdio: ['ignore', 'ignore', 'pipe'] });
    return parse(readFileSync(record, 'utf8').split('\0'));
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function parse(words) {
  const commands = [];
  for (let at = 0; at < words.length - 1;) {
    const count = Number(words[at]);
    assert.ok(count > 0, 'a command has a name');
    commands.push(words.slice(at + 1, at + 1 + count));
    at += 1 + count;
  }
  return commands;
}
