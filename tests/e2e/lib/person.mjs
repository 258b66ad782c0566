// A person with a browser, without the browser: cookies, redirects, and the two forms of the flow.

import assert from 'node:assert/strict';
import { forms, glance, links } from './html.mjs';
import { Jar } from './jar.mjs';

const MOST_PAGES = 20;

/** Whether a plain request to this place may be sent: https, or this machine. */
function isSafe(url) {
  return url.protocol === 'https:' || ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
}

export class Person {
  jar = new Jar();
  /** Every page that was shown: `{ url, status, headers, html }`. */
  pages = [];
  /** What the last consent page offered: scope → `{ checked, disabled }`. */
  offered = {};
  /** Codes that came back, for the check that no log holds them. */
  codes = [];

  /**
   * Walks from a client's authorization URL back to the client.
   *
   * @param {string|URL} start the authorization URL that the client made
   * @param {object} choices
   * @param {'basic'|'manager'|'admin'} choices.user whom to sign in as
   * @param {'default'|'all'|string[]} [choices.tick] the scopes to tick; `default` leaves the form as it came
   * @param {'allow'|'deny'} [choices.decision]
   * @returns {Promise<URL>} the redirect to the client, not fetched
   */
  async authorize(start, { user, tick = 'default', decision = 'allow' }) {
    const redirectUri = new URL(start).searchParams.get('redirect_uri');
    assert.ok(redirectUri, 'the client sends its redirect_uri');
    let step = await this.#go(start, redirectUri);
    for (let count = 0; count < MOST_PAGES && !step.back; count += 1) {
      const filled = this.#fill(step.page, { user, tick, decision }, redirectUri);
      step = filled.back ? filled : await this.#go(filled.url, redirectUri, filled.form);
    }
    assert.ok(step.back, `the way back to the client is shorter than ${MOST_PAGES} pages`);
    const code = step.back.searchParams.get('code');
    if (code) this.codes.push(code);
    return step.back;
  }

  /** One click: follows redirects until a page is shown or the way leads back to the client. */
  async #go(to, redirectUri, form) {
    let url = new URL(to);
    let request = form ? { method: 'POST', body: form } : { method: 'GET' };
    for (let count = 0; count < MOST_PAGES; count += 1) {
      const response = await this.#fetch(url, request);
      const location = response.headers.get('location');
      if (!location) return { page: await this.#look(url, response) };
      assert.ok([302, 303].includes(response.status), `a redirect is 302 or 303, not ${response.status}`);
      await response.arrayBuffer();
      const next = new URL(location, url);
      if (leadsTo(next, redirectUri)) return { back: next };
      url = next;
      request = { method: 'GET' };
    }
    return assert.fail(`more than ${MOST_PAGES} redirects from ${to}`);
  }

  async #fetch(url, request) {
    assert.ok(isSafe(url), `${url} is neither https nor on this machine`);
    const headers = { accept: 'text/html,application/xhtml+xml' };
    const cookie = this.jar.header(url);
    if (cookie) headers.cookie = cookie;
    // A browser sends Origin with a form.
    if (request.method === 'POST') headers.origin = url.origin;
    const response = await fetch(url, { ...request, headers, redirect: 'manual' });
    this.jar.store(url, response);
    return response;
  }

  async #look(url, response) {
    const html = await response.text();
    const page = { url, status: response.status, headers: response.headers, html };
    this.pages.push(page);
    return page;
  }

  #fill(page, choices, redirectUri) {
    const found = forms(page.html);
    const signIn = find(found, 'user', choices.user);
    if (signIn) return submit(page, signIn.form, signIn.button);
    const consent = find(found, 'decision', choices.decision);
    if (consent) {
      this.offered = offers(consent.form);
      return submit(page, consent.form, consent.button, choices.tick);
    }
    // The page that opens an application, or that names the host before an error goes back.
    const link = links(page.html).find((href) => leadsTo(new URL(href, page.url), redirectUri));
    if (link) return { back: new URL(link, page.url) };
    return assert.fail(`nothing to click on ${page.url} (${page.status}): ${glance(page.html)}`);
  }
}

/** RFC 6749 §3.1.2: the redirect is the registered URI with our parameters added. */
function leadsTo(url, redirectUri) {
  const target = new URL(redirectUri);
  return url.protocol === target.protocol && url.host === target.host && url.pathname === target.pathname;
}

function find(all, name, value) {
  for (const form of all) {
    const button = form.buttons.find((b) => b.name === name && b.value === value);
    if (button) return { form, button };
  }
  return undefined;
}

function checkboxes(form) {
  return form.inputs.filter((input) => input.type === 'checkbox' && input.name === 'scope');
}

function offers(form) {
  const boxes = checkboxes(form).map((box) => [box.value, { checked: 'checked' in box, disabled: 'disabled' in box }]);
  return Object.fromEntries(boxes);
}

function submit(page, form, button, tick = 'default') {
  assert.equal(form.method, 'POST', 'a decision is a POST');
  const fields = new URLSearchParams();
  for (const input of form.inputs) {
    const isBox = input.type === 'checkbox';
    if (!input.name || 'disabled' in input) continue;
    if (!isBox || isTicked(input, tick)) fields.append(input.name, input.value ?? 'on');
  }
  fields.append(button.name, button.value);
  return { url: new URL(form.action, page.url), form: fields };
}

function isTicked(box, tick) {
  if (tick === 'all') return true;
  return tick === 'default' ? 'checked' in box : tick.includes(box.value);
}
