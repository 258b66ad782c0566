// Passwords, one-time codes and a portal in a real browser, on a desk and on a telephone.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import {
  launch, mustBeContent, mustFit, openWindow, photograph, SCREENS, within,
} from '../lib/browser.mjs';
import { PEOPLE } from '../lib/company.mjs';
import { startOurPeople } from '../lib/our-people.mjs';
import { ask, listener } from '../lib/waiting-client.mjs';

let it;
let browser;

before(async () => {
  it = await startOurPeople();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await it?.stop();
});

const ALLOW = 'button[name=decision][value=allow]';

async function allow(page, client, provider) {
  await page.locator(ALLOW).click();
  const back = await within(client.arrived, 'the redirect to the client');
  const transport = new StreamableHTTPClientTransport(new URL(it.deployment.url), { authProvider: provider });
  await transport.finishAuth(back.searchParams);
  it.deployment.secrets.push(...provider.secrets, back.searchParams.get('code'));
}

async function look(page, name) {
  await mustFit(page);
  await photograph(page, name);
}

// Each with a telephone of their own, whose codes nobody has used yet.
const OWNERS = { desktop: 'ada', phone: 'ingrid' };

for (const [screen, settings] of Object.entries(SCREENS)) {
  test(`a password and a code, on a ${screen}`, async (t) => {
    const username = OWNERS[screen];
    const phone = await it.accounts.totp(username);
    t.after(() => it.accounts.must(['totp', username, '--remove']));
    const { page, complaints } = await openWindow(t, browser, settings);
    const client = await listener(t);
    const provider = await ask(it.deployment.url, client.redirectUrl, 'Browser');
    await page.goto(provider.authorizationUrl.href);
    await page.locator('button[name=provider][value=local]').click();
    await page.locator('#password').waitFor();
    await look(page, `${screen}-local-password`);

    await page.locator('#username').fill(username);
    await page.locator('#password').fill('not the password');
    await page.locator('#password').press('Enter');
    await page.getByRole('alert').waitFor();
    assert.equal(await page.locator('#username').inputValue(), username, 'the name need not be typed again');
    await look(page, `${screen}-local-wrong-password`);

    await page.locator('#password').fill(it.passwords[username]);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('#code').waitFor();
    await look(page, `${screen}-local-code`);
    await page.locator('#code').fill('000000');
    await page.locator('#code').press('Enter');
    await page.getByRole('alert').waitFor();
    await look(page, `${screen}-local-wrong-code`);

    // As the telephone shows it.
    await page.locator('#code').fill(phone.next().replace(/^.../, '$& '));
    await page.locator('#code').press('Enter');
    await page.locator(ALLOW).waitFor();
    assert.match(await page.locator('body').innerText(), new RegExp(PEOPLE[username].name));
    await allow(page, client, provider);
    mustBeContent(complaints);
  });

  test(`to the portal and back, on a ${screen}`, async (t) => {
    const { context, page, complaints } = await openWindow(t, browser, settings);
    const first = await listener(t);
    const provider = await ask(it.deployment.url, first.redirectUrl, 'Browser');
    await page.goto(provider.authorizationUrl.href);
    await page.locator('button[name=provider][value=intranet]').click();
    await page.getByRole('button', { name: 'Ada Okafor' }).click();
    await page.locator(ALLOW).waitFor();
    assert.equal(new URL(page.url()).searchParams.has('token'), false, 'the portal\'s word is not in the address');
    await look(page, `${screen}-portal-consent`);
    await page.reload();
    await page.locator(ALLOW).waitFor();
    await allow(page, first, provider);

    // Signed in there and not here: one click.
    await context.clearCookies({ domain: '127.0.0.1' });
    const second = await listener(t);
    const another = await ask(it.deployment.url, second.redirectUrl, 'Again');
    await page.goto(another.authorizationUrl.href);
    await page.locator('button[name=provider][value=intranet]').click();
    await page.locator(ALLOW).waitFor();
    await allow(page, second, another);
    mustBeContent(complaints);
  });
}

test('the account page: with a password, or after the portal vouched for a client', async (t) => {
  const { page, complaints } = await openWindow(t, browser, SCREENS.phone);
  await page.goto(`${it.deployment.issuer}/account`);
  await page.locator('button[name=provider][value=local]').click();
  await page.locator('#username').fill('ada');
  await page.locator('#password').fill(it.passwords.ada);
  await page.locator('#password').press('Enter');
  await page.waitForURL(`${it.deployment.issuer}/account`);
  assert.match(await page.locator('body').innerText(), /Ada Okafor/);
  await look(page, 'phone-account-local');

  const { page: other } = await openWindow(t, browser, SCREENS.phone);
  const client = await listener(t);
  const provider = await ask(it.deployment.url, client.redirectUrl, 'Browser');
  await other.goto(provider.authorizationUrl.href);
  await other.locator('button[name=provider][value=intranet]').click();
  await other.getByRole('button', { name: 'Ingrid Sørensen' }).click();
  await other.locator(ALLOW).waitFor();
  await allow(other, client, provider);
  await other.goto(`${it.deployment.issuer}/account`);
  assert.match(await other.locator('body').innerText(), /Ingrid Sørensen/);
  mustBeContent(complaints);
});
