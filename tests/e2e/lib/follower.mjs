// Somebody who follows a page command by command: what is ours, or is installed for the tests, is
// run; of everything else it is looked up that it can be what the page says. A command that nobody
// here knows how to judge is a failure.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { freshPassword } from './accounts.mjs';
import { run } from './command.mjs';
import { freshSecrets } from './configs.mjs';
import { root } from './documentation.mjs';

const CONFIGURATION = `
public_url = "http://127.0.0.1:8787"
[oauth]
key_encryption_key = { env = "WICKETGATE_KEY_ENCRYPTION_KEY" }
bridge_token_signing_secret = { env = "WICKETGATE_BRIDGE_SECRET" }
[[mcp.server]]
name = "default"
upstream = { url = "http://127.0.0.1:9000/mcp" }
rules = [{ tools = ["*"], scope = "mcp:read" }]
[[sign_in.provider]]
id = "local"
kind = "local"
`;

/** These run until they are stopped, or ask something that runs. */
const STAYS = new Set(['serve', 'demo', 'demo-server', 'health']);
/** A story of its own follows them: backup. */
const IN_A_STORY = new Set(['sqlite3', 'pg_dump', 'pg_restore', 'cp', 'rm']);

const read = (path) => readFileSync(`${root}${path}`, 'utf8');

export class Follower {
  /** Nothing else of the surroundings reaches a command. */
  env = freshSecrets();
  #directory = mkdtempSync(`${tmpdir()}/wicketgate-e2e-follower-`);

  /** A deployment as it is after the first steps, with everything that a sidecar's role needs. */
  async start() {
    const { WICKETGATE_KEY_ENCRYPTION_KEY: key } = freshSecrets();
    Object.assign(this.env, {
      WICKETGATE__DATABASE__URL: `sqlite://${this.#directory}/wicketgate.db`,
      WICKETGATE__MCP__ISSUER: 'https://mcp.example.com',
      WICKETGATE__MCP__SEALING_KEY: key,
    });
    mkdirSync(`${this.#directory}/config`);
    writeFileSync(`${this.#directory}/config/wicketgate.toml`, CONFIGURATION);
    this.env.WICKETGATE_CONFIG = `${this.#directory}/config/wicketgate.toml`;
    await this.#mustWork(['migrate']);
    return this;
  }

  clear() {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #mustWork(args) {
    const { code, out, notes } = await run(args, { env: this.env, input: `${freshPassword()}\n` });
    assert.equal(code, 0, `wicketgate ${args.join(' ')}\n${out}${notes}`);
    return out;
  }

  /** Of ours, what has no end or no meaning by itself must at least be there, with its options. */
  async mustExist(args) {
    await this.#mustWork([...args, '--help']);
  }

  /** That this variable of the environment sets a key. */
  async mustSet(name, value) {
    this.env[name] = value;
    assert.match(await this.#mustWork(['config', 'show']), new RegExp(`# environment: ${name}$`, 'm'));
    delete this.env[name];
  }

  /** Follows one command. */
  async follow([program, ...args]) {
    const judge = Follower.#JUDGES[program];
    if (judge) return judge(this, args);
    assert.ok(IN_A_STORY.has(program), `how is ${program} to be judged? Teach lib/follower.mjs`);
    return undefined;
  }

  static #JUDGES = {
    wicketgate: (self, args) => (STAYS.has(args[0]) ? self.mustExist(args) : self.#mustWork(args)),
    openssl: (self, args) => execFileSync('openssl', args, { cwd: self.#directory, stdio: 'ignore' }),
    make: (_, [target]) => assert.match(read('Makefile'), new RegExp(`^${target}:`, 'm')),
    node: (_, [script]) => assert.ok(existsSync(`${root}${script}`), script),
    cargo: (_, args) => mustBuild(args),
    docker: (self, args) => followDocker(self, args),
    'apt-get': (_, [verb, ...packages]) => {
      assert.equal(verb, 'install');
      for (const name of packages) assert.ok(read('Dockerfile').includes(` ${name}`), `${name} is not what the image is built with`);
    },
    npm: (_, [verb, , name]) => {
      assert.equal(verb, 'install');
      assert.ok(name in JSON.parse(read('tests/e2e/package.json')).dependencies, `there is no test with ${name}`);
    },
    curl: (_, args) => assert.match(args.at(-1), /^https:\/\//),
    claude: (_, args) => mustBeGreeting(['claude', ...args]),
    codex: (_, args) => mustBeGreeting(['codex', ...args]),
    npx: (_, args) => mustBeGreeting(['npx', ...args]),
  };
}

/** `cargo build`: the package and the feature are there. */
function mustBuild(args) {
  const [command, ...options] = args;
  assert.equal(command, 'build');
  const value = (name) => options[options.indexOf(name) + 1];
  const manifest = read(`crates/${value('-p')}/Cargo.toml`);
  if (options.includes('--features')) assert.match(manifest, new RegExp(`^${value('--features')} = `, 'm'));
  for (const option of options.filter((one) => one.startsWith('-'))) {
    assert.ok(['--release', '--locked', '-p', '--features'].includes(option), option);
  }
}

/** What is run in the image is our program; the rest needs the two files. */
async function followDocker(self, [command, ...args]) {
  if (command === 'run') {
    assert.deepEqual(args.slice(0, 2), ['--rm', 'wicketgate']);
    return self.follow(args.slice(1));
  }
  const file = { build: 'Dockerfile', compose: 'docker-compose.yml' }[command];
  assert.ok(file && existsSync(`${root}${file}`), `docker ${command}`);
  return undefined;
}

/** A client's command is one of those that the demo prints. */
function mustBeGreeting(words) {
  const greeting = read('crates/wicketgate/src/command/demo/greeting.rs').replaceAll('{url}', 'http://127.0.0.1:8787');
  assert.ok(greeting.includes(words.join(' ')), `the demo does not print ${words.join(' ')}`);
}
