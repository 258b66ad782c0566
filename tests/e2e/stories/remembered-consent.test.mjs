// What a person allowed before, in a real browser: only that says truthfully who sent it here.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { launch, mustFit, openWindow, photograph, SCREENS } from '../lib/browser.mjs';
import { demo } from '../lib/deployment.mjs';

const SITE = 'https://notes.example';
const REDIRECT = `${SITE}/cb`;

let deployment;
let browser;
let client;

before(async () => {
  deployment = await demo();
  browser = await launch();
  const answer = await fetch(`${deployment.issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'Notes', redirect_uris: [REDIRECT], token_endpoint_auth_method: 'none',
    }),
  });
  client = await answer.json();
});

after(async () => {
  await browser?.close();
  await deployment.stop();
});

function ask(scope) {
  const verifier = randomBytes(32).toString('base64url');
  const url = new URL(`${deployment.issuer}/authorize`);
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: REDIRECT,
    scope,
    state: randomBytes(8).toString('hex'),
    resource: deployment.url,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  return { url: url.href, verifier };
}

async function redeem(arrived, { verifier }) {
  const code = new URL(arrived).searchParams.get('code');
  const answer = await fetch(`${deployment.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code', client_id: client.client_id, code, code_verifier: verifier,
      redirect_uri: REDIRECT,
    }),
  });
  const tokens = await answer.json();
  deployment.secrets.push(code, tokens.access_token, tokens.refresh_token);
  return tokens.scope;
}

/** The client's site, which only exists in this window: it takes answers, and has a link to us. */
async function openSite(page, link) {
  await page.route(`${SITE}/**`, (route) => route.fulfill({
    contentType: 'text/html',
    body: `<!doctype html><title>Notes</title><a id="connect" href="${link().replaceAll('&', '&amp;')}">Connect</a>`,
  }));
}

const allow = (page) => page.locator('button[name=decision][value=allow]');

/** The answer on its way to the site, where this leads the browser. Nobody serves what a redirect leads to. */
async function answerTo(page, act) {
  const isAnswer = (request) => request.url().startsWith(`${REDIRECT}?`);
  const [failed] = await Promise.all([page.waitForEvent('requestfailed', isAnswer), act().catch(() => {})]);
  // The browser's own page about that may still be on its way, and would interrupt what comes next.
  for (let quiet = false; !quiet;) {
    quiet = await page.goto('about:blank').then(() => true, () => false);
  }
  return failed.url();
}

test('CO-2, T-CO-09, T-CO-04: once allowed, asked again only from elsewhere or for more', async (t) => {
  const { page } = await openWindow(t, browser, SCREENS.desktop);
  let arrived;
  let current = ask('mcp:read mcp:write');
  await openSite(page, () => current.url);

  await page.goto(current.url);
  await page.locator('button[name=user][value=admin]').click();
  arrived = await answerTo(page, () => allow(page).click());
  assert.equal(await redeem(arrived, current), 'mcp:read mcp:write');

  // The person, or a program, opens the address: nothing is asked.
  current = ask('mcp:read mcp:write');
  arrived = await answerTo(page, () => page.goto(current.url));
  assert.equal(await redeem(arrived, current), 'mcp:read mcp:write');

  // Another site sends the browser here: the person sees it.
  current = ask('mcp:read mcp:write');
  await page.goto(`${SITE}/`);
  await page.locator('#connect').click();
  await allow(page).waitFor();
  assert.equal(await page.getByText('Already allowed').count(), 2);
  arrived = await answerTo(page, () => allow(page).click());
  assert.equal(await redeem(arrived, current), 'mcp:read mcp:write');

  // More is asked for: the page says what is new, and nothing is lost.
  current = ask('mcp:process_admin');
  await page.goto(current.url);
  await allow(page).waitFor();
  for (const [screen, { viewport }] of Object.entries(SCREENS)) {
    await page.setViewportSize(viewport);
    await mustFit(page);
    await photograph(page, `${screen}-consent-for-more`);
  }
  await page.locator('input[type=checkbox][value="mcp:process_admin"]').check();
  arrived = await answerTo(page, () => allow(page).click());
  assert.equal(await redeem(arrived, current), 'mcp:read mcp:write mcp:process_admin');

  // Refused, and asked again at once, as Codex does in a second window.
  current = ask('mcp:admin');
  await page.goto(current.url);
  arrived = await answerTo(page, () => page.locator('button[name=decision][value=deny]').click());
  assert.equal(new URL(arrived).searchParams.get('error'), 'access_denied');
  current = ask('mcp:admin');
  await page.goto(current.url);
  await page.getByText('You refused this app a moment ago').waitFor();
  for (const [screen, { viewport }] of Object.entries(SCREENS)) {
    await page.setViewportSize(viewport);
    await mustFit(page);
    await photograph(page, `${screen}-consent-again`);
  }
});
