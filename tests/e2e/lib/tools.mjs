// What each person may do with the demo server's tools, from the names alone.

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const PREFIXES = [
  ['mcp:read', /^(list|get|search)_/],
  ['mcp:admin', /^admin_/],
  ['mcp:process_admin', /^(process|participant)_/],
  ['mcp:write', /^(create|update|submit|add|remove|export)_/],
];

/** A user type's scopes. */
const ALLOWED = {
  basic: ['mcp:read', 'mcp:write'],
  manager: ['mcp:read', 'mcp:write', 'mcp:process_admin'],
  admin: ['mcp:read', 'mcp:write', 'mcp:process_admin', 'mcp:admin'],
};

/** What the consent form ticks by itself. */
const TICKED = ['mcp:read', 'mcp:write'];

/** One tool per scope that a story calls, and expects to find or to be refused. */
export const SAMPLES = {
  'mcp:read': 'list_requests',
  'mcp:write': 'create_request',
  'mcp:process_admin': 'process_pause',
  'mcp:admin': 'admin_get_settings',
};

/** The scope that opens a tool. */
export function scopeOf(tool) {
  const match = PREFIXES.find(([, pattern]) => pattern.test(tool));
  if (!match) throw new Error(`no rule names the demo tool ${tool}`);
  return match[0];
}

/** What consent offers this person: ceiling ∩ user type. */
export function offered(user, ceiling) {
  return ceiling.filter((scope) => ALLOWED[user].includes(scope));
}

/** What the person ends up granting. */
export function granted(user, ceiling, tick) {
  const able = offered(user, ceiling);
  if (tick === 'all') return able;
  const chosen = tick === 'default' ? TICKED : [...tick, 'mcp:read'];
  return able.filter((scope) => chosen.includes(scope));
}

/** Every tool of an upstream, asked without a gateway. */
export async function allTools(url) {
  const client = new Client({ name: 'without-a-gateway', version: '1.0.0' });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  const { tools } = await client.listTools();
  await client.close();
  return tools.map((tool) => tool.name);
}
