// What a person does on the pages between "sign in" and consent, and when they sign out again:
// ours, and their provider's.

import assert from 'node:assert/strict';

/** The form with a submit button of this name, and of this value if one is given. */
export function findButton(all, name, value) {
  for (const form of all) {
    const button = form.buttons.find((b) => b.name === name && (value === undefined || b.value === value));
    if (button) return { form, button };
  }
  return undefined;
}

function input(form, test) {
  return form.inputs.find(test);
}

/** A form that asks for a name and a password, whoever shows it. */
function passwordForm(all) {
  for (const form of all) {
    const password = input(form, ({ type }) => type === 'password');
    const username = input(form, ({ name, type = 'text' }) => ['text', 'email'].includes(type)
      && ['login', 'username', 'user'].includes(name));
    if (password && username) return { form, password, username };
  }
  return undefined;
}

/** The example portal has one button for each person, and their name in its address. */
function isPortalButton(action, username) {
  return action.startsWith('/login?') && new URLSearchParams(action.slice('/login?'.length)).get('user') === username;
}

/** A page that only carries a message on, by a button for whoever has no scripts. */
function courier(all) {
  return all.find((form) => ['SAMLResponse', 'SAMLRequest'].some((name) => input(form, (i) => i.name === name)));
}

/**
 * The next step on a page of the sign-in, or undefined when the page is about something else.
 *
 * @param {object[]} all the page's forms
 * @param {object} as who signs in, see `signingIn` in company.mjs
 * @param {string} as.provider which of our buttons to press
 * @param {string} [as.find] an e-mail address to be led by instead of a button
 * @param {string} as.username
 * @param {string} as.password undefined when the person has no more to try
 * @param {() => string} [as.code] the next one-time code that the person tries, if any
 * @param {boolean} [as.keepsLetter] does not carry the provider's answer to us
 * @param {string} [as.organization] which one to act for, when asked
 * @returns {{form: object, button?: object, fields?: Record<string, string>, gavePassword?: true}|undefined}
 */
export function signInStep(all, as) {
  const letter = courier(all);
  if (letter) return as.keepsLetter ? undefined : { form: letter };
  const asked = passwordForm(all);
  if (asked) {
    const { username, password } = as;
    if (password === undefined) return undefined;
    const fields = { [asked.username.name]: username, [asked.password.name]: password };
    return { form: asked.form, fields, gavePassword: true };
  }
  const second = all.find((form) => input(form, ({ name }) => name === 'code'));
  if (second) {
    const code = as.code?.();
    return code && { form: second, fields: { code } };
  }
  const known = all.find(({ action }) => isPortalButton(action, as.username));
  if (known) return { form: known };
  const byMail = as.find && all.find((form) => input(form, ({ name }) => name === 'email'));
  if (byMail) return { form: byMail, fields: { email: as.find } };
  const provider = findButton(all, 'provider', as.provider) ?? findButton(all, 'logout', 'yes');
  if (provider) return provider;
  return chooseOrganization(all, as);
}

/** Asked for an organization, or asked for consent in the name of another one. */
function chooseOrganization(all, { organization }) {
  const consent = findButton(all, 'decision', 'allow');
  if (consent) {
    const shown = input(consent.form, ({ name }) => name === 'organization')?.value;
    return organization === undefined || shown === organization ? undefined : findButton(all, 'decision', 'organization');
  }
  const offered = findButton(all, 'organization');
  if (!offered) return undefined;
  assert.ok(organization, 'asked for an organization, and the person has none in mind');
  const choice = findButton(all, 'organization', organization);
  assert.ok(choice, `${organization} is among ${offered.form.buttons.map(({ value }) => value)}`);
  return choice;
}
