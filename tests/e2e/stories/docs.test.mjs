// The documentation, followed by somebody who has nothing else: every block is parsed or run, every
// setting is one, every command exists, and every link leads somewhere.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import {
  asOffered, blocks, blocksIn, commandsInText, leadsSomewhere, links, offersInText, page, pages, root, withSetting,
} from '../lib/documentation.mjs';
import { Follower } from '../lib/follower.mjs';
import { checkNginx } from '../lib/nginx.mjs';
import { commandsOf, typed } from '../lib/shell.mjs';
import { Snippets } from '../lib/snippets.mjs';

let snippets;

before(async () => {
  snippets = await new Snippets().start();
});

after(() => snippets.clear());

/** What each language of a block is for; `text` is for drawings. */
const LANGUAGES = {
  text: () => {},
  toml: mustBeConfiguration,
  sh: mustBeJudged,
  console: mustBeJudged,
  nginx: mustBeNginx,
  ini: mustBeUnit,
  json: JSON.parse,
  // The settings of other products.
  php: (body) => mustBeRead('php', ['-l'], `<?php\n${body}`),
  python: (body) => mustBeRead('python3', ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], body),
};

describe('a block says what it is, and is that', () => {
  for (const one of pages()) {
    for (const [at, block] of blocks(one).entries()) {
      test(`${one.path}, ${block.heading}, block ${at + 1}: ${block.language}`, async () => {
        const check = LANGUAGES[block.language];
        assert.ok(check, `a block is one of ${Object.keys(LANGUAGES)}, not "${block.language}"`);
        await check(block.body, block);
      });
    }
  }
  test('there are as many as there are ways', () => assert.ok(pages().flatMap(blocks).length >= 55));
});

async function mustBeConfiguration(body) {
  await snippets.mustBeGood(body);
  const offered = asOffered(body);
  if (offered) await snippets.mustBeGood(offered);
}

/** Everything that would be run is looked at in the suite below: here, that there is something. */
function mustBeJudged(_, block) {
  const script = typed(block);
  assert.ok(commandsOf(script).length > 0 || /^WICKETGATE__\w+=/m.test(script), `nothing is typed:\n${script}`);
}

function mustBeNginx(body, { heading }) {
  const [first] = blocksIn(page('docs/deployment.md'), 'nginx');
  return checkNginx(heading === first.heading ? body : `${settingsOf(first.body)}${body}`);
}

/** A unit of systemd: sections, settings, and a command of ours. */
async function mustBeUnit(body) {
  for (const line of body.split('\n').filter(Boolean)) assert.match(line, /^(\[\w+\]|[A-Z]\w+=\S+.*)$/);
  const [, command] = /^ExecStart=\/usr\/local\/bin\/wicketgate (.+)$/m.exec(body);
  const follower = await new Follower().start();
  await follower.mustExist(command.split(' ')).finally(() => follower.clear());
}

/** The product's own language takes it. */
function mustBeRead(program, args, input) {
  const { status, stdout, stderr } = spawnSync(program, args, { input, encoding: 'utf8' });
  assert.equal(status, 0, `${stdout}${stderr}`);
}

/** The lines of the first block that the others refer to. */
function settingsOf(body) {
  return body.slice(0, body.indexOf('location '));
}

describe('a page can be followed from the top, command by command', () => {
  for (const one of pages()) {
    const scripts = blocks(one).filter(({ language }) => ['sh', 'console'].includes(language)).map(typed);
    const steps = [...scripts, ...commandsInText(one)].flatMap(commandsOf);
    if (steps.length === 0) continue;
    test(one.path, async (t) => {
      const follower = await new Follower().start();
      t.after(() => follower.clear());
      for (const step of steps) {
        await t.test(step.join(' '), () => follower.follow(step));
      }
    });
  }
});

/** Words that a page may use for a command of ours without its name before them. */
const OURS = /`((?:account|client|config|demo|doctor|grant|health|keys|migrate|organization|provider|secret|serve|server|user)(?: [a-z-]+| NAME)*)`/g;

describe('what a page says in passing is there', () => {
  let follower;
  before(async () => {
    follower = await new Follower().start();
  });
  after(() => follower.clear());

  for (const one of pages()) {
    for (const command of new Set([...one.text.matchAll(OURS)].map(([, words]) => words))) {
      test(`${one.path}: ${command}`, () => follower.mustExist(command.split(' ')));
    }
    for (const [, name, value] of one.text.matchAll(/\b(WICKETGATE__\w+)=([^\s`]+)/g)) {
      test(`${one.path}: ${name}`, () => follower.mustSet(name, value));
    }
    for (const link of links(one)) {
      test(`${one.path} → ${link.target}`, () => assert.ok(leadsSomewhere(link), link.target));
    }
  }
});

test('docker-compose.yml has what its page makes, and hands on what its page says', () => {
  const [script] = blocksIn(page('docs/deployment.md'), 'sh').filter(({ heading }) => heading === 'In a container');
  const compose = readFileSync(`${root}docker-compose.yml`, 'utf8');
  const made = [...script.body.matchAll(/echo "([A-Z_]+)=/g)].map(([, name]) => name);
  const wanted = [...compose.matchAll(/\$\{([A-Z_]+)/g)].map(([, name]) => name);
  assert.deepEqual([...new Set(wanted)].filter((name) => !made.includes(name)), []);
  assert.match(compose, /^ {4}env_file: \.env$/m);
  assert.match(compose, /^ {6}- \.\/config:\/etc\/wicketgate:ro$/m);
  assert.match(script.body, /> config\/wicketgate\.toml$/m);
  assert.match(readFileSync(`${root}Dockerfile`, 'utf8'), /^ENV WICKETGATE_CONFIG=\/etc\/wicketgate\/wicketgate\.toml$/m);
});

/** Settings in the text that are about something else, or that the page speaks of to refuse them. */
const NOT_FOR_A_SNIPPET = new Set(['kind', 'enabled', 'url', 'issuer', 'access', 'domains', 'visibility', 'public_url', 'type', 'provider']);

describe('a setting that the text of a page offers fits into one of its snippets', () => {
  for (const one of pages().filter(({ path }) => path.startsWith('docs/sign-in/'))) {
    const own = blocksIn(one, 'toml').map(({ body }) => body).filter((body) => body.includes('kind ='));
    for (const { key, value } of offersInText(one).filter((offer) => !NOT_FOR_A_SNIPPET.has(offer.key))) {
      test(`${one.path}: ${key} = ${value}`, async (t) => {
        // The overview has no snippets of its own for providers: those of another page.
        const some = own.length > 0 ? own : blocksIn(page('docs/sign-in/keycloak.md'), 'toml').map(({ body }) => body);
        const ends = await Promise.allSettled(some.map((snippet) => snippets.mustBeGood(withSetting(snippet, key, value))));
        t.diagnostic(`${ends.filter(({ status }) => status === 'fulfilled').length} of ${ends.length}`);
        assert.ok(ends.some(({ status }) => status === 'fulfilled'), ends.map(({ reason }) => reason?.message).join('\n'));
      });
    }
  }
});

describe('a setting that a page offers with its section is one', () => {
  for (const one of pages()) {
    for (const { key, value } of offersInText(one).filter((offer) => offer.key.includes('.'))) {
      const [section, name] = [key.slice(0, key.lastIndexOf('.')), key.slice(key.lastIndexOf('.') + 1)];
      test(`${one.path}: ${key} = ${value}`, () => snippets.mustBeGood(`[${section}]\n${name} = ${value}\n`));
    }
  }
});
