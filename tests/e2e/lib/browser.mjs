// Chromium, with a fresh profile and no conversation with anybody but this machine.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const out = fileURLToPath(new URL('../.out/', import.meta.url));

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** For anything that a browser or a page is about to do. */
export const WAIT_MS = 10_000;

/** The two sizes in which each page is looked at. */
export const SCREENS = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};

function chromiumPath() {
  const paths = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'];
  const found = paths.find((path) => path && existsSync(path));
  assert.ok(found, 'Chromium is not installed; run scripts/install-test-parts.sh');
  return found;
}

export function launch() {
  return chromium.launch({ executablePath: chromiumPath(), args: FLAGS });
}

/** A window for the length of a test: a page, and every complaint of the browser about it. */
export async function openWindow(t, browser, screen) {
  const context = await browser.newContext(screen);
  t.after(() => context.close());
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  return { context, page, complaints };
}

/** The browser must not have refused anything that the page wanted. */
export function mustBeContent(complaints) {
  assert.deepEqual(complaints.filter((text) => /content security policy|refused|blocked/i.test(text)), []);
}

/** What must happen soon, or the story fails by saying what did not. */
export async function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not happen in ${WAIT_MS} ms`)), WAIT_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Saves how the page looks, whole. */
export async function photograph(page, name) {
  mkdirSync(out, { recursive: true });
  await page.screenshot({ path: `${out}${name}.png`, fullPage: true });
}

/** Nothing sticks out sideways on a small screen. */
export async function mustFit(page) {
  const { content, window } = await page.evaluate(() => ({
    content: document.documentElement.scrollWidth,
    window: document.documentElement.clientWidth,
  }));
  assert.ok(content <= window, `the page is ${content} wide in a window of ${window}`);
}

/**
 * Where the browser was told to go for a scheme that it does not serve itself.
 * The promise settles as soon as a redirect or a navigation to it is seen on the wire.
 */
export async function watchForScheme(context, page, scheme) {
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  return new Promise((resolve) => {
    const note = (url) => { if (url?.startsWith(`${scheme}:`)) resolve(url); };
    session.on('Network.requestWillBeSent', ({ request }) => note(request.url));
    session.on('Network.responseReceivedExtraInfo', ({ headers }) => {
      const [, location] = Object.entries(headers).find(([name]) => name.toLowerCase() === 'location') ?? [];
      note(location);
    });
  });
}
