// The documentation as somebody follows it who has nothing else: its snippets and its commands.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The pages of the documentation, by their path. */
export function pages() {
  const inside = (directory) => readdirSync(`${root}${directory}`)
    .filter((name) => name.endsWith('.md')).map((name) => `${directory}/${name}`);
  const paths = ['README.md', ...inside('docs'), ...inside('docs/sign-in')];
  return paths.map((path) => ({ path, text: readFileSync(`${root}${path}`, 'utf8') }));
}

/** The code blocks of a page in this language, each with the heading above it. */
export function blocks({ text }, language) {
  const found = [];
  let heading = '';
  for (const [, title, named, body] of text.matchAll(/^#+ (.*)$|^```(\w*)\n([\s\S]*?)^```$/gm)) {
    if (title !== undefined) heading = title;
    else if (named === language) found.push({ heading, body });
  }
  return found;
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
export function offersInText({ text }) {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, '');
  const spans = [...prose.matchAll(/`([a-z_]+) = ("[^"`]*"|\{[^`]*\}|\[[^`]*\]|true|false|\d+)`/g)];
  return spans.map(([, key, value]) => ({ key, value: value.replaceAll(/\s+/g, ' ') }));
}

/** A snippet with this key set to this value: in the provider, or in its `claims`. */
export function withSetting(toml, key, value) {
  const line = `${key} = ${value}`;
  const own = new RegExp(`^${key} = .*$`, 'm');
  if (own.test(toml)) return toml.replace(own, line);
  const inside = new RegExp(`^((?:claims|attributes) = \\{.*)\\b${key} = "[^"]*"`, 'm');
  if (inside.test(toml)) return toml.replace(inside, `$1${line}`);
  return toml.replace('[[sign_in.provider]]\n', `[[sign_in.provider]]\n${line}\n`);
}

/** Every `wicketgate …` command that a page names, without what stands for something. */
export function commands({ text }) {
  const typed = [...text.matchAll(/^\$ wicketgate (.*)$/gm)].map(([, rest]) => rest);
  const spans = [...text.matchAll(/`wicketgate ([^`]+)`/g)].map(([, rest]) => rest);
  return [...new Set([...typed, ...spans])].map((rest) => rest.replace(/\s+#.*$/, '').replace(/\s*>.*$/, '').trim());
}

/** The words of a command as a shell takes them. */
export function words(command) {
  assert.doesNotMatch(command, /[|;&$]/, command);
  return [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);
}
