// Command-line agents as their people use them, at a desk of their own. Each signs in, lists, and shows
// the tokens that it keeps. `scripts/agents.sh` has put the programs where E2E_AGENTS says.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const NAME = 'wicketgate';

/** They call home, and a story must not depend on that: whatever leads out of this machine ends here. */
const NO_WAY_OUT = {
  HTTP_PROXY: 'http://127.0.0.1:9',
  HTTPS_PROXY: 'http://127.0.0.1:9',
  NO_PROXY: '127.0.0.1,localhost',
};

function program(path) {
  const directory = process.env.E2E_AGENTS;
  assert.ok(directory, 'E2E_AGENTS is not set; run this story with scripts/agents.sh');
  const file = `${directory}/node_modules/${path}`;
  assert.ok(existsSync(file), `${file} does not exist; run scripts/agents.sh`);
  return file;
}

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));
const only = (entries) => { assert.equal(Object.keys(entries).length, 1); return Object.values(entries)[0]; };

class Agent {
  constructor(desk, url) {
    this.desk = desk;
    this.url = url;
  }

  run(command, args, { env = {}, ...rest } = {}) {
    return this.desk.run(command, args, { env: { ...NO_WAY_OUT, ...this.env, ...env }, ...rest });
  }
}

/** `codex mcp list` asks no server; what an editor asks of Codex does. */
export class Codex extends Agent {
  static title = 'Codex';
  static userAgent = 'codex-mcp-client/0.169.0';
  static revision = '2025-06-18';
  #program = program('@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex');

  get #home() {
    return this.desk.file('.codex');
  }

  get env() {
    return { CODEX_HOME: this.#home };
  }

  async signIn() {
    mkdirSync(this.#home);
    const said = await this.run(this.#program, ['mcp', 'add', NAME, '--url', this.url]);
    assert.match(said, /Successfully logged in/);
    const [server] = JSON.parse(await this.run(this.#program, ['mcp', 'list', '--json']));
    assert.equal(server.auth_status, 'o_auth');
  }

  /** @returns {Promise<string[]>} the names of the tools */
  async list() {
    let servers;
    await this.run(this.#program, ['app-server'], {
      input: async (stdin, stdout) => {
        const send = (message) => stdin.write(`${JSON.stringify(message)}\n`);
        send({ id: 1, method: 'initialize', params: { clientInfo: { name: 'e2e', version: '1.0.0' } } });
        send({ method: 'initialized' });
        send({ id: 2, method: 'mcpServerStatus/list', params: {} });
        for await (const line of createInterface({ input: stdout })) {
          const { id, result } = JSON.parse(line);
          if (id === 2) { servers = result.data; break; }
        }
      },
    });
    const { tools, toolsError } = only(servers ?? []);
    assert.ok(!toolsError, toolsError);
    return Object.keys(tools);
  }

  get tokens() {
    const { access_token: access, refresh_token: refresh } = only(readJson(`${this.#home}/.credentials.json`));
    return { access, refresh };
  }
}

export class ClaudeCode extends Agent {
  static title = 'Claude Code';
  static userAgent = 'claude-code/2.1.329';
  static revision = '2026-07-28';
  #program = program('@anthropic-ai/claude-code-linux-x64/claude');
  env = { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1' };

  /** Its sign-in wants a terminal, which `script` is. */
  async signIn() {
    await this.run(this.#program, ['mcp', 'add', '--transport', 'http', NAME, this.url]);
    const said = await this.run('script', ['-qec', `'${this.#program}' mcp login ${NAME}`, '/dev/null']);
    assert.match(said, /Authenticated with "wicketgate"/);
  }

  async list() {
    assert.match(await this.run(this.#program, ['mcp', 'list']), /^wicketgate: .* ✔ Connected$/m);
  }

  get tokens() {
    const { mcpOAuth } = readJson(this.desk.file('.claude/.credentials.json'));
    const { accessToken: access, refreshToken: refresh } = only(mcpOAuth);
    return { access, refresh };
  }
}

export class OpenCode extends Agent {
  static title = 'opencode';
  static userAgent = 'opencode/1.18.33';
  static revision = '2025-11-25';
  #program = program('opencode-linux-x64-baseline/bin/opencode');
  env = { OPENCODE_DISABLE_MODELS_FETCH: '1' };

  async signIn() {
    mkdirSync(this.desk.file('.config/opencode'), { recursive: true });
    const settings = { autoupdate: false, mcp: { [NAME]: { type: 'remote', url: this.url } } };
    writeFileSync(this.desk.file('.config/opencode/opencode.json'), JSON.stringify(settings));
    assert.match(await this.run(this.#program, ['mcp', 'auth', NAME]), /Authentication successful/);
  }

  async list() {
    assert.match(await this.run(this.#program, ['mcp', 'list']), /✓ wicketgate .*connected/);
  }

  get tokens() {
    const { tokens } = only(readJson(this.desk.file('.local/share/opencode/mcp-auth.json')));
    return { access: tokens.accessToken, refresh: tokens.refreshToken };
  }
}
