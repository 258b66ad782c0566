// Whole deployments, in each shape: what is started, where a client goes, and how it ends.

import { execFileSync } from 'node:child_process';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as configs from './configs.mjs';
import { openDoors } from './door.mjs';
import * as gateway from './gateway.mjs';
import { startDocumentedNginx, startNginxForReplicas } from './nginx.mjs';
import { freePort } from './program.mjs';

class Deployment {
  /** Where a client connects: all that a person is told. */
  url;
  /** Whose tokens it accepts. */
  issuer;
  /** Where the gateway itself listens when a reverse proxy stands in front. */
  behindProxy;
  /** The configuration file and the environment of one process, for commands beside it. */
  config;
  env;
  #directory = mkdtempSync(`${tmpdir()}/wicketgate-e2e-`);
  #gateways = [];
  #lost = [];
  #others = [];
  secrets = [];

  file(name) {
    return `${this.#directory}/${name}`;
  }

  runs(...programs) {
    this.#gateways.push(...programs);
  }

  /** Kills one of its processes, which has no time for a last word. */
  async kills(program) {
    process.kill(program.pid, 'SIGKILL');
    await program.ended;
    this.#gateways.splice(this.#gateways.indexOf(program), 1);
    this.#lost.push(program);
  }

  /** Something around it that ends with it, such as a reverse proxy. */
  needs(program) {
    this.#others.push(program);
  }

  get gateways() {
    return this.#gateways;
  }

  /** Ends everything, cleanly, and looks for secrets in what was logged. */
  async stop() {
    try {
      for (const program of this.#others.toReversed()) await program.stop();
      for (const program of this.#gateways.toReversed()) await gateway.stop(program);
    } finally {
      rmSync(this.#directory, { recursive: true, force: true });
    }
    for (const program of [...this.#gateways, ...this.#lost]) program.assertNoSecrets(this.secrets);
  }
}

/**
 * A directory, secrets, and a deployment that is stopped if its start fails half-way.
 * `signIn` says who signs people in: `{ providers, userTypes, secrets }`, where `secrets` are the
 * environment variables that the providers' configuration names.
 */
async function begin(start, signIn) {
  const deployment = new Deployment();
  const env = { ...configs.freshSecrets(), ...signIn?.secrets };
  deployment.secrets.push(...Object.values(env));
  try {
    await start(deployment, env);
  } catch (error) {
    await deployment.stop().catch(() => {});
    throw error;
  }
  return deployment;
}

/** `wicketgate demo`: no configuration at all. */
export function demo() {
  return begin(async (deployment) => {
    const port = await freePort();
    deployment.issuer = `http://127.0.0.1:${port}`;
    deployment.url = `${deployment.issuer}/mcp`;
    deployment.runs(await gateway.demo({ port, data: deployment.file('data') }));
  });
}

/**
 * Both roles in one process. `database` defaults to SQLite; `servers` in place of `upstream` and
 * `rules` are several, see {@link urlOf}.
 */
export function oneProcess({
  ceiling, upstream, rules = configs.DEMO_RULES, servers, database, signIn, logFormat, telemetry,
  accessTokenLifetime, registration, clients, trustedProxies, outbound,
}) {
  return begin(async (deployment, env) => {
    const port = await freePort();
    deployment.issuer = `http://127.0.0.1:${port}`;
    deployment.url = `${deployment.issuer}/mcp`;
    const config = deployment.file('wicketgate.toml');
    Object.assign(deployment, { config, env });
    configs.oneProcess({
      path: config,
      publicUrl: deployment.issuer,
      listen: `127.0.0.1:${port}`,
      database: database ?? `sqlite://${deployment.file('wicketgate.db')}`,
      ceiling,
      upstream,
      rules,
      servers,
      signIn,
      logFormat,
      telemetry,
      accessTokenLifetime,
      registration,
      clients,
      trustedProxies,
      outbound,
    });
    deployment.runs(await gateway.serve({ config, env }));
  }, signIn);
}

/** Where a deployment serves the server of this name. */
export function urlOf(deployment, name) {
  return name === 'default' ? deployment.url : `${deployment.url}/${name}`;
}

/** `--role auth` and `--role mcp` apart, each on its own origin; the sidecar has no database. */
export function apart({ ceiling, upstream, rules = configs.DEMO_RULES, database, signIn }) {
  return begin(async (deployment, env) => {
    const [authPort, mcpPort] = [await freePort(), await freePort()];
    const sidecar = `http://127.0.0.1:${mcpPort}`;
    deployment.issuer = `http://127.0.0.1:${authPort}`;
    deployment.url = `${sidecar}/mcp`;
    const common = { ceiling, upstream, rules };
    const [auth, mcp] = [deployment.file('auth.toml'), deployment.file('mcp.toml')];
    configs.authRole({
      ...common,
      path: auth,
      publicUrl: deployment.issuer,
      listen: `127.0.0.1:${authPort}`,
      database: database ?? `sqlite://${deployment.file('auth.db')}`,
      resource: deployment.url,
      signIn,
    });
    configs.mcpRole({
      ...common,
      path: mcp,
      publicUrl: sidecar,
      listen: `127.0.0.1:${mcpPort}`,
      issuer: deployment.issuer,
    });
    deployment.runs(await gateway.serve({ config: auth, env, role: 'auth' }));
    const { SIDECAR_SECRET } = env;
    deployment.runs(await gateway.serve({ config: mcp, env: { SIDECAR_SECRET }, role: 'mcp' }));
  }, signIn);
}

/**
 * An authorization server, and one sidecar for each of these sealing keys behind a front that takes
 * them in turn.
 */
export function sidecars({ ceiling, upstream, rules = configs.DEMO_RULES, sealingKeys }) {
  return begin(async (deployment, env) => {
    const ports = await Promise.all(sealingKeys.map(() => freePort()));
    const authPort = await freePort();
    const front = await openDoors(ports.map((port) => `http://127.0.0.1:${port}/mcp`));
    deployment.needs({ stop: front.close });
    deployment.issuer = `http://127.0.0.1:${authPort}`;
    deployment.url = front.url;
    const common = { ceiling, upstream, rules };
    const auth = deployment.file('auth.toml');
    configs.authRole({
      ...common,
      path: auth,
      publicUrl: deployment.issuer,
      listen: `127.0.0.1:${authPort}`,
      database: `sqlite://${deployment.file('auth.db')}`,
      resource: deployment.url,
    });
    deployment.runs(await gateway.serve({ config: auth, env, role: 'auth' }));
    for (const [at, port] of ports.entries()) {
      const path = deployment.file(`mcp-${at}.toml`);
      const own = { listen: `127.0.0.1:${port}`, sealingKey: sealingKeys[at], peerUrl: `http://127.0.0.1:${port}` };
      configs.mcpRole({ ...common, path, publicUrl: new URL(deployment.url).origin, issuer: deployment.issuer, ...own });
      const { SIDECAR_SECRET } = env;
      deployment.runs(await gateway.serve({ config: path, env: { SIDECAR_SECRET }, role: 'mcp' }));
    }
  });
}

/** One process at a path of a host, behind the nginx of the documentation. */
export function atPath({ ceiling, upstream, rules = configs.DEMO_RULES }) {
  return begin(async (deployment, env) => {
    const [hostPort, port] = [await freePort(), await freePort()];
    deployment.issuer = `http://127.0.0.1:${hostPort}/wfgen`;
    deployment.url = `${deployment.issuer}/mcp`;
    deployment.behindProxy = `http://127.0.0.1:${port}`;
    const config = deployment.file('wicketgate.toml');
    configs.oneProcess({
      path: config,
      publicUrl: deployment.issuer,
      listen: `127.0.0.1:${port}`,
      trustedProxies: ['127.0.0.1'],
      database: `sqlite://${deployment.file('wicketgate.db')}`,
      ceiling,
      upstream,
      rules,
    });
    deployment.runs(await gateway.serve({ config, env }));
    const where = { prefix: deployment.file('nginx'), port: hostPort, gatewayPort: port };
    deployment.needs(await startDocumentedNginx({ headings: ['At a path'], ...where }));
  });
}

/** One process on SQLite, behind the nginx of the documentation and with it as trusted proxy. */
export function behindNginx({ ceiling, upstream, rules = configs.DEMO_RULES }) {
  return begin(async (deployment, env) => {
    const [hostPort, port] = [await freePort(), await freePort()];
    deployment.issuer = `http://127.0.0.1:${hostPort}`;
    deployment.url = `${deployment.issuer}/mcp`;
    deployment.behindProxy = `http://127.0.0.1:${port}`;
    configs.oneProcess({
      path: deployment.file('wicketgate.toml'),
      publicUrl: deployment.issuer,
      listen: `127.0.0.1:${port}`,
      trustedProxies: ['127.0.0.1'],
      database: `sqlite://${deployment.file('wicketgate.db')}`,
      ceiling,
      upstream,
      rules,
    });
    deployment.runs(await gateway.serve({ config: deployment.file('wicketgate.toml'), env }));
    deployment.needs(await startDocumentedNginx({ prefix: deployment.file('nginx'), port: hostPort, gatewayPort: port }));
  });
}

/**
 * Replicas that start at once on one database, behind the nginx of the documentation, which takes them
 * in turn. `deployment.replicas` says where each is; `kill(at)` and `start(at)` are for one of them.
 */
export function replicas({ ceiling, upstream, rules = configs.DEMO_RULES, database, count = 3 }) {
  return begin(async (deployment, env) => {
    const hostPort = await freePort();
    const ports = [];
    for (let number = 0; number < count; number += 1) ports.push(await freePort());
    deployment.issuer = `http://127.0.0.1:${hostPort}`;
    deployment.url = `${deployment.issuer}/mcp`;
    deployment.replicas = ports.map((port) => `http://127.0.0.1:${port}`);
    const running = [];
    const config = deployment.file('wicketgate.toml');
    const listen = `127.0.0.1:${ports[0]}`;
    configs.oneProcess({
      path: config, publicUrl: deployment.issuer, listen, trustedProxies: ['127.0.0.1'], database, ceiling, upstream, rules,
    });
    deployment.start = async (at) => {
      const own = { WICKETGATE__SERVER__LISTEN: `127.0.0.1:${ports[at]}`, WICKETGATE__MCP__PEER_URL: deployment.replicas[at] };
      const program = await gateway.serve({ config, env: { ...env, ...own } });
      deployment.runs(program);
      running[at] = program;
    };
    deployment.kill = (at) => deployment.kills(running[at]);
    const started = await Promise.allSettled(ports.map((_, at) => deployment.start(at)));
    for (const { reason } of started) if (reason) throw reason;
    const where = { prefix: deployment.file('nginx'), port: hostPort, gatewayPorts: ports };
    deployment.needs(await startNginxForReplicas(where));
  });
}

/** A fresh database in the cluster that scripts/e2e.sh started. There is no story without it. */
export function freshDatabase() {
  const cluster = process.env.E2E_POSTGRES_URL;
  assert.ok(cluster, 'E2E_POSTGRES_URL is not set; run the stories with scripts/e2e.sh');
  const name = `e2e_${randomBytes(6).toString('hex')}`;
  execFileSync('psql', ['--quiet', '--no-psqlrc', '--dbname', cluster, '--command', `CREATE DATABASE ${name}`]);
  const url = new URL(cluster);
  url.pathname = `/${name}`;
  return url.href;
}
