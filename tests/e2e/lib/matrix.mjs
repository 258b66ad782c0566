// Every kind of client with every kind of server, and how each feature must end. The table in
// docs/compatibility.md is made of what really happened.

import { FEATURES, outcomeOf } from './features.mjs';
import { rawClient } from './raw/clients.mjs';

/** The kinds of server; the keys are their names in the configuration. */
export const SERVERS = {
  default: '2026-07-28',
  'http-2025-11-25': '2025-11-25',
  'http-2025-03-26': '2025-03-26',
  'sse-2024-11-05': '2024-11-05, HTTP+SSE',
  'stdio-2025': 'stdio, 2025-11-25',
  'stdio-2026': 'stdio, 2026-07-28',
};

/** Asking people came with 2025-06-18. */
const CANNOT_ASK_PEOPLE = ['2025-03-26', '2024-11-05'];
const NOTHING = 'not there';

const lacks = (server) => /2025-03-26|2024-11-05/.test(SERVERS[server]);

/**
 * How a feature must end. Everything works with everything, but for what a revision does not have:
 * a server that cannot ask has nothing to try, and a client that cannot be asked is told so in a way
 * that it survives (D-37, D-52, D-55): an error that its revision knows, and the connection goes on.
 */
export function mustEnd(client, server, feature) {
  if (feature !== 'elicitation') return ['works'];
  if (lacks(server)) return [NOTHING];
  return CANNOT_ASK_PEOPLE.includes(client) ? ['error -32600', 'tool error'] : ['works'];
}

/** Tries every feature with one kind of client and one kind of server. */
export async function tryAll(revision, server, url, token) {
  const client = rawClient(revision, url, token);
  const outcomes = {};
  const opened = await client.open().catch((error) => ({ error }));
  for (const feature of FEATURES) {
    if (mustEnd(revision, server, feature)[0] === NOTHING) outcomes[feature] = NOTHING;
    else if (!opened.result) outcomes[feature] = `no connection (${opened.error?.code ?? opened.status ?? opened.error})`;
    else outcomes[feature] = await outcomeOf(client, feature);
  }
  // Whatever went before, the connection is still good.
  const end = opened.result ? await outcomeOf(client, 'tools') : 'no connection';
  await client.close().catch(() => {});
  return { outcomes, end };
}

const MARKS = { works: '✓', [NOTHING]: '–', 'error -32600': 'refused¹', 'tool error': 'refused¹' };

/** The tables of the page, one for each kind of client. */
export function render(results) {
  const names = Object.values(SERVERS);
  return Object.entries(results).map(([revision, byServer]) => [
    `### A client of ${revision}${revision === '2024-11-05' ? ' (HTTP+SSE, at `/sse`)' : ''}`,
    '',
    `| | ${names.join(' | ')} |`,
    `|---|${names.map(() => '---|').join('')}`,
    ...FEATURES.map((feature) => {
      const cells = Object.keys(SERVERS).map((server) => MARKS[byServer[server][feature]] ?? byServer[server][feature]);
      return `| ${feature} | ${cells.join(' | ')} |`;
    }),
    '',
  ].join('\n')).join('\n');
}

const BEGIN = '<!-- The tables are written by the story `matrix`: UPDATE_DOCS=1 scripts/e2e.sh matrix -->\n\n';
const END = '\n<!-- The tables end here. -->';

/** The tables of a page, and the page with others in their place. */
export function tablesOf(page) {
  const [head, rest] = page.split(BEGIN);
  const [tables, tail] = rest.split(END);
  return { tables, replaced: (fresh) => `${head}${BEGIN}${fresh}${END}${tail}` };
}
