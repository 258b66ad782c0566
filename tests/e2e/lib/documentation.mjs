// The documentation as somebody follows it who has nothing else: its pages, blocks, links, and the
// settings that it offers.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The pages of the documentation, by their path. */
export function pages() {
  const inside = (directory) => readdirSync(`${root}${directory}`, { recursive: true })
    .filter((name) => name.endsWith('.md')).toSorted().map((name) => `${directory}/${name}`);
  const paths = ['README.md', ...inside('docs')];
  return paths.map((path) => ({ path, text: readFileSync(`${root}${path}`, 'utf8') }));
}

/** The page of this path. */
export function page(path) {
  return pages().find((one) => one.path === path);
}

/** Every code block of a page: the heading above it, its language, and its body without indentation. */
export function blocks({ text }) {
  const found = [];
  let heading = '';
  for (const [, title, indent, language, body] of text.matchAll(/^#+ (.*)$|^( *)```(.*)\n([\s\S]*?)^ *```$/gm)) {
    if (title !== undefined) heading = title;
    else found.push({ heading, language, body: body.replaceAll(new RegExp(`^${indent}`, 'gm'), '') });
  }
  return found;
}

/** The code blocks of a page in this language. */
export function blocksIn(one, language) {
  return blocks(one).filter((block) => block.language === language);
}

/** A page's text without its code blocks. */
function prose({ text }) {
  return text.replace(/^( *)```[\s\S]*?^\1```$/gm, '');
}

/** Where a page links to inside the repository: the file, and the heading there. */
export function links(one) {
  const targets = [...prose(one).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);
  return targets.filter((target) => !/^https?:/.test(target)).map((target) => {
    const [file, anchor] = target.split('#');
    const path = file ? relative(root, join(root, dirname(one.path), file)) : one.path;
    return { target, path, anchor };
  });
}

/** Whether a link leads to a file that is there, and to a heading of it. */
export function leadsSomewhere({ path, anchor }) {
  if (!existsSync(join(root, path))) return false;
  return !anchor || anchors(readFileSync(join(root, path), 'utf8')).has(anchor);
}

/** The names that headings get where Markdown is shown. */
function anchors(text) {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading);
  return new Set(headings.map((heading) => heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\- ]/gu, '').replaceAll(' ', '-')));
}

/**
 * A snippet with what it offers in comments (`# key = value`) in place of what it had, or
 * undefined if it offers nothing.
 */
export function asOffered(toml) {
  const offered = [...toml.matchAll(/^# ([a-z_]+) = .*$/gm)].map(([, key]) => key);
  if (offered.length === 0) return undefined;
  const kept = toml.split('\n').filter((line) => !offered.some((key) => line.startsWith(`${key} = `)));
  return kept.map((line) => line.replace(/^# ([a-z_]+ = )/, '$1')).join('\n');
}

/** Settings that a page's text offers: `` `key = value` `` with a value that is whole. */
export function offersInText(one) {
  const spans = [...prose(one).matchAll(/`([a-z_.]+) = ("[^"`]*"|\{[^`]*\}|\[[^`]*\]|true|false|\d+)`/g)];
  return spans.map(([, key, value]) => ({ key, value: value.replaceAll(/\s+/g, ' ') }));
}

/** A text as a regular expression that matches it. */
export function literally(text) {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** What a `[[user_type]]` has, and a provider has not. */
const OF_A_RULE = new Set(['groups', 'organizations', 'users', 'emails', 'claims']);

/** A snippet with this key set to this value: in its rule, in the provider, or in its `claims`. */
export function withSetting(toml, key, value) {
  const line = `${key} = ${value}`;
  const ofOneKind = new RegExp(`^${key} = ${literally(value[0])}.*$`, 'm');
  if (ofOneKind.test(toml)) return toml.replace(ofOneKind, line);
  const inside = new RegExp(`^((?:claims|attributes) = \\{.*)\\b${key} = "[^"]*"`, 'm');
  if (inside.test(toml)) return toml.replace(inside, `$1${line}`);
  if (OF_A_RULE.has(key) && value.startsWith('[')) return toml.replace('[[user_type]]\n', `[[user_type]]\n${line}\n`);
  const own = new RegExp(`^${key} = .*$`, 'm');
  if (own.test(toml)) return toml.replace(own, line);
  return toml.replace('[[sign_in.provider]]\n', `[[sign_in.provider]]\n${line}\n`);
}

/** Every `wicketgate …` command that a page's text names. */
export function commandsInText(one) {
  const spans = [...prose(one).matchAll(/`(wicketgate [^`]+)`/g)].map(([, command]) => command.replaceAll(/\s+/g, ' '));
  return [...new Set(spans)];
}
