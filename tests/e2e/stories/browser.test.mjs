// Sign-in and consent in a real browser, which enforces what a jar of cookies does not:
// SameSite, Content-Security-Policy, and redirects to other applications.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import {
  launch, mustBeContent, mustFit, openWindow, photograph, SCREENS, WAIT_MS, watchForScheme, within,
} from '../lib/browser.mjs';
import { demo } from '../lib/deployment.mjs';
import { ask as askAt, listener } from '../lib/waiting-client.mjs';

const CURSOR = 'cursor://anysphere.cursor-mcp/oauth/callback';

let deployment;
let browser;

before(async () => {
  deployment = await demo();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await deployment.stop();
});

const ask = (redirectUrl, name) => askAt(deployment.url, redirectUrl, name);

async function signIn(page, user, picture) {
  await page.locator(`button[name=user][value=${user}]`).waitFor();
  await mustFit(page);
  await photograph(page, `${picture}-sign-in`);
  await page.locator(`button[name=user][value=${user}]`).click();
}

async function lookAtConsent(page, picture) {
  await page.locator('button[name=decision][value=allow]').waitFor();
  await mustFit(page);
  await photograph(page, `${picture}-consent`);
  const fixed = page.locator('input[type=checkbox][name=scope][value="mcp:read"]');
  assert.ok(await fixed.isChecked() && await fixed.isDisabled(), 'reading is fixed');
  assert.ok(await page.locator('input[type=checkbox][value="mcp:write"]').isChecked());
  assert.ok(!(await page.locator('input[type=checkbox][value="mcp:admin"]').isChecked()));
}

for (const [screen, settings] of Object.entries(SCREENS)) {
  describe(`on a ${screen}`, () => {
    test('a client on this machine gets code, state and iss', async (t) => {
      const client = await listener(t);
      const provider = await ask(client.redirectUrl, 'Browser story');
      const { page, complaints } = await openWindow(t, browser, settings);
      await page.goto(provider.authorizationUrl.href);
      await signIn(page, 'admin', `${screen}-loopback`);
      await lookAtConsent(page, `${screen}-loopback`);
      await page.locator('input[type=checkbox][value="mcp:admin"]').check();
      await page.locator('button[name=decision][value=allow]').click();
      const back = await within(client.arrived, 'the redirect to the client');
      mustBeContent(complaints);
      assert.equal(back.searchParams.get('state'), provider.expectedState);
      assert.equal(back.searchParams.get('iss'), deployment.issuer);
      const transport = new StreamableHTTPClientTransport(new URL(deployment.url), { authProvider: provider });
      await transport.finishAuth(back.searchParams);
      const scopes = provider.tokens().scope.split(' ');
      assert.ok(scopes.includes('mcp:admin') && !scopes.includes('mcp:process_admin'), `${scopes}`);
      deployment.secrets.push(...provider.secrets, back.searchParams.get('code'));
    });

    test('an application with its own scheme is opened, and no policy stands in the way', async (t) => {
      const provider = await ask(CURSOR, 'Cursor');
      const { context, page, complaints } = await openWindow(t, browser, settings);
      const opened = watchForScheme(context, page, 'cursor');
      await page.goto(provider.authorizationUrl.href);
      await signIn(page, 'basic', `${screen}-cursor`);
      await page.locator('button[name=decision][value=allow]').waitFor();
      await mustFit(page);
      await photograph(page, `${screen}-cursor-consent`);
      await page.locator('button[name=decision][value=allow]').click();
      // Either the browser is sent there at once, or the page that we show has a link to click.
      const link = page.locator('a[href^="cursor://"]').waitFor({ timeout: WAIT_MS })
        .then(() => page.locator('a[href^="cursor://"]').getAttribute('href'));
      const target = new URL(await within(Promise.any([opened, link]), 'the way to the application'));
      await photograph(page, `${screen}-cursor-after`);
      mustBeContent(complaints);
      assert.ok(target.href.startsWith(`${CURSOR}?`), target.href);
      assert.ok(target.searchParams.get('code'));
      assert.equal(target.searchParams.get('state'), provider.expectedState);
      assert.equal(target.searchParams.get('iss'), deployment.issuer);
    });

    test('the other pages that a person meets', async (t) => {
      const { page, complaints } = await openWindow(t, browser, settings);
      const pages = { connect: '/connect', failure: '/authorize?client_id=nobody' };
      for (const [name, path] of Object.entries(pages)) {
        const response = await page.goto(`${deployment.issuer}${path}`);
        assert.equal(response.ok(), name !== 'failure', `${path} answers ${response.status()}`);
        assert.ok(response.status() < 500, `${path} answers ${response.status()}`);
        await mustFit(page);
        await photograph(page, `${screen}-${name}`);
      }
      const policy = complaints.filter((text) => /content security policy/i.test(text));
      assert.deepEqual(policy, []);
    });
  });
}

test('T-CB-01: a flow that another browser began is not finished in this one', async (t) => {
  const client = await listener(t);
  const provider = await ask(client.redirectUrl, 'Browser story');
  const [first, second] = [await openWindow(t, browser, SCREENS.desktop), await openWindow(t, browser, SCREENS.desktop)];
  await first.page.goto(provider.authorizationUrl.href);
  await signIn(first.page, 'basic', 'other-browser');
  await first.page.locator('button[name=decision][value=allow]').waitFor();
  // The attacker's page, handed to a victim: no form to press Allow on.
  const response = await second.page.goto(first.page.url());
  assert.ok(response.status() >= 400, `answers ${response.status()}`);
  assert.equal(await second.page.locator('button[name=decision][value=allow]').count(), 0);
  await photograph(second.page, 'other-browser');
});
