// Company sign-in in a real browser. The providers are on another site (`localhost`, while the
// gateway is `127.0.0.1`), so SameSite and form-action say what they have to say.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import {
  launch, mustBeContent, mustFit, openWindow, photograph, SCREENS, within,
} from '../lib/browser.mjs';
import { passwordOf } from '../lib/company.mjs';
import {
  oidcProvider, registerAt, samlProvider, serviceProviderKey, signInWith, trustAt,
} from '../lib/company-sign-in.mjs';
import { SCOPES } from '../lib/configs.mjs';
import { oneProcess } from '../lib/deployment.mjs';
import * as gateway from '../lib/gateway.mjs';
import { startOidcIdp } from '../lib/oidc-idp.mjs';
import { startSamlIdp } from '../lib/saml-idp.mjs';
import { demoServer } from '../lib/upstreams.mjs';
import { ask as askAt, listener } from '../lib/waiting-client.mjs';

const ALLOW = 'button[name=decision][value=allow]';

let upstream;
let oidc;
let saml;
let key;
let deployment;
let browser;

before(async () => {
  [upstream, oidc, saml] = await Promise.all([
    demoServer(), startOidcIdp({ host: 'localhost' }), startSamlIdp({ host: 'localhost' }),
  ]);
  key = serviceProviderKey();
  const signIn = signInWith(
    oidcProvider('openid', oidc, { logout: 'provider' }),
    samlProvider('saml', saml, { ...key.settings, sign_requests: true }),
    samlProvider('saml-form', saml, { ...key.settings, sign_requests: true, request_binding: 'post' }),
  );
  deployment = await oneProcess({ ceiling: SCOPES, upstream: upstream.url, signIn });
  await registerAt(oidc, deployment, 'openid');
  await trustAt(saml, deployment, 'saml');
  await trustAt(saml, deployment, 'saml-form');
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await deployment?.stop();
  key?.remove();
  await saml?.stop();
  await oidc?.stop();
  await gateway.stop(upstream.program);
});

const ask = (redirectUrl, name) => askAt(deployment.url, redirectUrl, name);

/** How each provider asks for a name and a password, and what else is to be pressed. */
const WAYS = {
  openid: { username: 'login', name: 'OpenID Connect' },
  saml: { username: 'username', name: 'SAML, asked by redirect' },
  // Over plain http the provider's own cookie cannot be SameSite=None, so it does not come along
  // with a form from another site, and the provider does not know the person again.
  'saml-form': { username: 'username', name: 'SAML, asked by form', forgets: true },
};

/** Our page, and for the POST binding the one that carries the request. */
async function leave(page, way) {
  const button = page.locator(`button[name=provider][value=${way}]`);
  await button.waitFor();
  await mustFit(page);
  await button.click();
  if (way !== 'saml-form') return;
  const onwards = page.locator('form:has(input[name=SAMLRequest]) button');
  await onwards.waitFor();
  await mustFit(page);
  await photograph(page, 'sign-in-saml-form');
  await onwards.click();
}

async function giveName(page, way, username) {
  await page.locator(`input[name=${WAYS[way].username}]`).fill(username);
  const password = page.locator('input[type=password]');
  await password.fill(passwordOf(username));
  await password.press('Enter');
}

/** From consent to the client, which then has tokens. */
async function allow(page, client, provider) {
  await page.locator(ALLOW).waitFor();
  await page.locator(ALLOW).click();
  const back = await within(client.arrived, 'the redirect to the client');
  assert.equal(back.searchParams.get('state'), provider.expectedState);
  const transport = new StreamableHTTPClientTransport(new URL(deployment.url), { authProvider: provider });
  await transport.finishAuth(back.searchParams);
  deployment.secrets.push(...provider.secrets, back.searchParams.get('code'));
}

for (const [way, { name, forgets }] of Object.entries(WAYS)) {
  for (const [screen, settings] of Object.entries(SCREENS)) {
    test(`${name}, on a ${screen}: in with a password, and again ${forgets ? 'the same way' : 'without one'}`, async (t) => {
      const { context, page, complaints } = await openWindow(t, browser, settings);
      const first = await listener(t);
      const provider = await ask(first.redirectUrl, 'First client');
      await page.goto(provider.authorizationUrl.href);
      await leave(page, way);
      await giveName(page, way, 'tom');
      await page.locator(ALLOW).waitFor();
      await photograph(page, `${screen}-sign-in-${way}-consent`);
      assert.match(await page.locator('main, body').first().innerText(), /Tom Brandt/);
      await allow(page, first, provider);

      // Our session is forgotten, theirs is not.
      await context.clearCookies({ domain: '127.0.0.1' });
      const second = await listener(t);
      const another = await ask(second.redirectUrl, 'Second client');
      await page.goto(another.authorizationUrl.href);
      await leave(page, way);
      if (forgets) await giveName(page, way, 'tom');
      await allow(page, second, another);
      mustBeContent(complaints);
    });
  }
}

test('the sign-in page names every way in', async (t) => {
  const client = await listener(t);
  const provider = await ask(client.redirectUrl, 'Looking');
  for (const [screen, settings] of Object.entries(SCREENS)) {
    const { page, complaints } = await openWindow(t, browser, settings);
    await page.goto(provider.authorizationUrl.href);
    for (const way of Object.keys(WAYS)) assert.equal(await page.locator(`button[value=${way}]`).count(), 1);
    await mustFit(page);
    await photograph(page, `${screen}-sign-in-providers`);
    mustBeContent(complaints);
  }
});

describe('an organization and the account page', () => {
  test('olga chooses, and may choose again before she allows anything', async (t) => {
    const { page, complaints } = await openWindow(t, browser, SCREENS.phone);
    const client = await listener(t);
    const provider = await ask(client.redirectUrl, 'Organizations');
    await page.goto(provider.authorizationUrl.href);
    await leave(page, 'openid');
    await giveName(page, 'openid', 'olga');
    await page.locator('button[name=organization][value=north]').waitFor();
    await mustFit(page);
    await photograph(page, 'phone-organization');
    await page.locator('button[name=organization][value=north]').click();
    await page.locator('button[name=decision][value=organization]').click();
    await page.locator('button[name=organization][value=south]').click();
    await allow(page, client, provider);
    const [, claims] = provider.tokens().access_token.split('.');
    assert.equal(JSON.parse(Buffer.from(claims, 'base64url')).organization, 'south');

    await page.goto(`${deployment.issuer}/account`);
    await mustFit(page);
    await photograph(page, 'phone-account');
    assert.match(await page.locator('body').innerText(), /Organizations/);
    await page.locator('button[name=grant]').click();
    await page.waitForLoadState();
    assert.equal(await page.locator('button[name=grant]').count(), 0, 'disconnected');
    mustBeContent(complaints);
  });

  for (const way of ['openid', 'saml']) {
    test(`${WAYS[way].name}: the account page needs no client, and signing out ends it`, async (t) => {
      const { page, complaints } = await openWindow(t, browser, SCREENS.desktop);
      await page.goto(`${deployment.issuer}/account`);
      await leave(page, way);
      await giveName(page, way, 'ingrid');
      await page.waitForURL(`${deployment.issuer}/account`);
      assert.match(await page.locator('body').innerText(), /Ingrid Sørensen/);
      await mustFit(page);
      await photograph(page, `desktop-account-${way}`);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByRole('heading', { name: /signed out/ }).waitFor();
      await photograph(page, `desktop-signed-out-${way}`);
      if (way === 'openid') {
        // The provider asks whether the person means it, and sends them back to us (LO-2).
        await page.getByRole('link', { name: /Company openid/ }).click();
        await page.getByRole('button', { name: 'Sign out' }).click();
        await page.waitForURL(`${deployment.issuer}/signed-out**`);
      }
      await page.goto(`${deployment.issuer}/account`);
      await page.locator('button[name=provider]').first().waitFor();
      assert.doesNotMatch(await page.locator('body').innerText(), /Ingrid/);
      mustBeContent(complaints);
    });
  }
});
