// A person with a browser, without the browser: cookies, redirects, and the forms of the flow.

import assert from 'node:assert/strict';
import { forms, glance, links } from './html.mjs';
import { Jar } from './jar.mjs';
import { findButton, signInStep } from './sign-in.mjs';

const MOST_PAGES = 20;
const MOST_PASSWORDS = 10;

/** Whether a plain request to this place may be sent: https, or this machine. */
function isSafe(url) {
  return url.protocol === 'https:' || ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
}

export class Person {
  jar = new Jar();
  /** Every page of ours that was shown: `{ url, status, headers, html }`. */
  pages = [];
  /** Every page of somebody else, such as an identity provider. */
  elsewhere = [];
  /** Where redirects led, in order. */
  redirects = [];
  /** How often a form took a name and a password. */
  passwordsGiven = 0;
  /** What the last consent page offered: scope → `{ checked, disabled }`. */
  offered = {};
  /** Codes that came back, for the check that no log holds them. */
  codes = [];
  #home;

  /**
   * Walks from a client's authorization URL back to the client.
   *
   * @param {string|URL} start the authorization URL that the client made
   * @param {object} choices
   * @param {'basic'|'manager'|'admin'} [choices.user] whom to sign in as, where anybody can be chosen
   * @param {object} [choices.as] how to sign in where people have accounts, see {@link signInStep}
   * @param {'default'|'all'|string[]} [choices.tick] the scopes to tick; `default` leaves the form as it came
   * @param {'allow'|'deny'} [choices.decision]
   * @param {string} [choices.redirectUri] where the client waits, when `start` does not say
   * @returns {Promise<URL>} the redirect to the client, not fetched
   */
  async authorize(start, choices) {
    const { back, page } = await this.#walk(start, choices);
    assert.ok(back, page && `nothing to click on ${page.url} (${page.status}): ${glance(page.html)}`);
    const code = back.searchParams.get('code');
    if (code) this.codes.push(code);
    return back;
  }

  /** As {@link authorize}, where the way must end at a page without a way on. That page. */
  async strand(start, choices) {
    const { back, page } = await this.#walk(start, choices);
    assert.ok(!back, `the way leads back to the client: ${back}`);
    return page;
  }

  /** Follows what is to be clicked until nothing is, or until the way leads back to the client. */
  async #walk(start, choices) {
    const { tick = 'default', decision = 'allow' } = choices;
    const redirectUri = choices.redirectUri ?? new URL(start).searchParams.get('redirect_uri');
    assert.ok(redirectUri, 'the client sends its redirect_uri');
    this.#home = new URL(start).origin;
    let step = await this.#go(start, redirectUri);
    for (let count = 0; count < MOST_PAGES && !step.back; count += 1) {
      const filled = this.#fill(step.page, { ...choices, tick, decision }, redirectUri);
      if (!filled) return step;
      step = filled.back ? filled : await this.#go(filled.url, redirectUri, { from: step.page.url, body: filled.form });
    }
    assert.ok(step.back, `the way back to the client is shorter than ${MOST_PAGES} pages`);
    return step;
  }

  /** One click: follows redirects until a page is shown or the way leads back to the client. */
  async #go(to, redirectUri, form) {
    let url = new URL(to);
    let request = form ? { method: 'POST', ...form } : { method: 'GET' };
    for (let count = 0; count < MOST_PAGES; count += 1) {
      const response = await this.#fetch(url, request);
      const location = response.headers.get('location');
      if (!location) return { page: await this.#look(url, response) };
      assert.ok([302, 303].includes(response.status), `a redirect is 302 or 303, not ${response.status}`);
      await response.arrayBuffer();
      const next = new URL(location, url);
      this.redirects.push(next);
      if (leadsTo(next, redirectUri)) return { back: next };
      url = next;
      request = { method: 'GET' };
    }
    return assert.fail(`more than ${MOST_PAGES} redirects from ${to}`);
  }

  async #fetch(url, { method, body, from }) {
    assert.ok(isSafe(url), `${url} is neither https nor on this machine`);
    const headers = { accept: 'text/html,application/xhtml+xml' };
    const cookie = this.jar.header(url);
    if (cookie) headers.cookie = cookie;
    // A browser sends Origin with a form: that of the page where the form was.
    if (method === 'POST') headers.origin = from.origin;
    const response = await fetch(url, { method, body, headers, redirect: 'manual' });
    this.jar.store(url, response);
    return response;
  }

  async #look(url, response) {
    const html = await response.text();
    const page = { url, status: response.status, headers: response.headers, html };
    (url.origin === this.#home ? this.pages : this.elsewhere).push(page);
    return page;
  }

  #fill(page, choices, redirectUri) {
    const found = forms(page.html);
    const signIn = choices.as ? signInStep(found, choices.as) : findButton(found, 'user', choices.user);
    if (signIn) {
      this.passwordsGiven += signIn.gavePassword ? 1 : 0;
      assert.ok(this.passwordsGiven <= MOST_PASSWORDS, 'a password is asked for again and again');
      return submit(page, signIn);
    }
    const consent = findButton(found, 'decision', choices.decision);
    if (consent) {
      this.offered = offers(consent.form);
      return submit(page, consent, choices.tick);
    }
    // The page that opens an application, or that names the host before an error goes back.
    const link = links(page.html).find((href) => leadsTo(new URL(href, page.url), redirectUri));
    return link && { back: new URL(link, page.url) };
  }
}

/** RFC 6749 §3.1.2: the redirect is the registered URI with our parameters added. */
function leadsTo(url, redirectUri) {
  const target = new URL(redirectUri);
  return url.protocol === target.protocol && url.host === target.host && url.pathname === target.pathname;
}

function checkboxes(form) {
  return form.inputs.filter((input) => input.type === 'checkbox' && input.name === 'scope');
}

function offers(form) {
  const boxes = checkboxes(form).map((box) => [box.value, { checked: 'checked' in box, disabled: 'disabled' in box }]);
  return Object.fromEntries(boxes);
}

function submit(page, { form, button, fields: filled = {} }, tick = 'default') {
  assert.equal(form.method, 'POST', 'a decision is a POST');
  const fields = new URLSearchParams();
  for (const input of form.inputs) {
    const isBox = input.type === 'checkbox';
    if (!input.name || 'disabled' in input) continue;
    if (!isBox || isTicked(input, tick)) fields.append(input.name, filled[input.name] ?? input.value ?? 'on');
  }
  if (button?.name) fields.append(button.name, button.value ?? '');
  return { url: new URL(form.action, page.url), form: fields };
}

function isTicked(box, tick) {
  if (tick === 'all') return true;
  return tick === 'default' ? 'checked' in box : tick.includes(box.value);
}
