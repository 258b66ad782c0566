// People who sign in with a password of ours, with a second factor, or from an application that
// knows them already: on the command line and with the official client.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { freshPassword } from '../lib/accounts.mjs';
import { PEOPLE } from '../lib/company.mjs';
import { SCOPES } from '../lib/configs.mjs';
import { connect, disconnect, MODES } from '../lib/connection.mjs';
import { discover } from '../lib/discovery.mjs';
import { startOurPeople } from '../lib/our-people.mjs';
import { Person } from '../lib/person.mjs';
import { secretsOf, tellToTheEnd } from '../lib/story.mjs';
import { knock, mustBecomeUseless, mustNotRefresh } from '../lib/tokens.mjs';
import { logSince, mustStrand } from '../lib/trouble.mjs';
import { ask } from '../lib/waiting-client.mjs';

const REDIRECT = 'http://127.0.0.1:6199/callback';
const WRONG = 401;
/** Wicketgate promises to notice a change within two seconds; the rest is for a busy machine. */
const NOTICED_MS = 6_000;
const FREE_ATTEMPTS = 10;
/** The cookie of the session; another one remembers the browser. */
const SESSION = /_s$/;

let it;
let deployment;
let accounts;

before(async () => {
  it = await startOurPeople();
  ({ deployment, accounts } = it);
});

after(() => it?.stop());

const at = (...who) => it.at(...who);

/** The whole story of one person. */
async function tellOf(as, user, { tick = 'all', mode = MODES.automatic } = {}) {
  deployment.secrets.push(...await tellToTheEnd({ url: deployment.url, ceiling: SCOPES, tools: it.tools, user, tick, mode, as }));
}

/** A client of this person, connected and kept. */
async function connected(as, person = new Person()) {
  const connection = await connect({
    url: deployment.url, mode: MODES.automatic, choices: { as, tick: 'all' }, person,
  });
  deployment.secrets.push(...secretsOf(connection));
  return connection;
}

/** Somebody comes as far as these attempts bring them: the page there. */
async function stranded(as, person = new Person()) {
  const { authorizationUrl } = await ask(deployment.url, REDIRECT, 'Attempts');
  return person.strand(authorizationUrl, { as });
}

/** Tries these passwords in a row. */
function trying(username, all) {
  const left = [...all];
  return { provider: 'local', username, get password() { return left.shift(); } };
}

async function recordOf(username) {
  return (await accounts.list()).find((account) => account.username === username);
}

describe('accounts on the command line', () => {
  test('are listed with what the operator gave them, and without hashes or secrets', async () => {
    const { out } = await accounts.must(['list', '--json']);
    assert.doesNotMatch(out, /argon2|hash|sealed/i);
    const tom = await recordOf('tom');
    assert.deepEqual(
      { ...tom, id: null, created_at_ms: null, password_changed_at_ms: null },
      {
        id: null,
        username: 'tom',
        name: PEOPLE.tom.name,
        email: PEOPLE.tom.email,
        groups: PEOPLE.tom.groups,
        state: 'enabled',
        locked_until_ms: null,
        failed_attempts: 0,
        one_time_codes: false,
        created_at_ms: null,
        password_changed_at_ms: null,
      },
    );
    assert.ok(Math.abs(Date.now() - tom.created_at_ms) < 600_000, 'milliseconds since 1970');
  });

  const REFUSED = {
    'a password that is too short for this deployment': { args: ['add', 'eve'], input: 'abcdefg-12345\n', why: /14 characters/ },
    'a password with the user name in it': { args: ['add', 'eve'], input: 'my name is EVE, hello\n', why: /user name/ },
    'a password of one letter': { args: ['add', 'eve'], input: `${'a'.repeat(20)}\n`, why: /five different/ },
    'a password of more than 256 bytes': { args: ['add', 'eve'], input: `${'correct '.repeat(40)}\n`, why: /256 bytes/ },
    'no password': { args: ['add', 'eve'], input: '', why: /standard input/ },
    'a password as an argument': { args: ['add', 'eve', '--password', 'correct horse battery'], input: '', why: /--password/ },
    'a user name that is taken, in any case': { args: ['add', 'ADA'], input: `${freshPassword()}\n`, why: /account password/ },
    'a user name with a space': { args: ['add', 'eve adams'], input: `${freshPassword()}\n`, why: /user name/ },
    'an address that is none': { args: ['add', 'eve', '--email', 'eve'], input: `${freshPassword()}\n`, why: /e-mail/ },
    'an unknown account': { args: ['disable', 'eve'], input: '', why: /account list/ },
  };
  for (const [what, { args, input, why }] of Object.entries(REFUSED)) {
    test(`${what} is refused with the reason`, async () => {
      const { code, out, notes } = await accounts.try(args, input);
      assert.notEqual(code, 0, out);
      assert.match(notes, why);
      if (input.trim()) assert.ok(!`${out}${notes}`.includes(input.trim()), 'the password is not repeated');
      assert.equal(await recordOf('eve'), undefined, 'nothing was made');
    });
  }
});

describe('with a password', () => {
  const STORIES = [['ada', 'default', 'legacy'], ['tom', 'all', 'automatic'], ['ingrid', 'all', 'pinned']];
  for (const [username, tick, mode] of STORIES) {
    test(`${username}, who is ${PEOPLE[username].user}, tells the whole story`, async () => {
      await tellOf(at('local', username), PEOPLE[username].user, { tick, mode: MODES[mode] });
    });
  }

  test('the user name may be typed in any case', async () => {
    await disconnect(await connected(at('local', 'ada', { username: ' Ada ' })));
  });

  test('T-LOGIN-02: a wrong password and an unknown name get the same answer', async () => {
    const [wrong, unknown] = [
      await stranded(trying('olga', [freshPassword()])), await stranded(trying('nobody', [freshPassword()])),
    ];
    for (const page of [wrong, unknown]) assert.equal(page.status, WRONG);
    const plain = ({ html }) => html.replace(/value="[^"]*"/g, '').replace(/[\w-]{20,}/g, '');
    assert.equal(plain(wrong), plain(unknown));
  });

  test('T-LOGIN-03: the eleventh wrong attempt locks, and the person gets in where they were before', async () => {
    const person = new Person();
    await disconnect(await connected(at('local', 'olga'), person));
    const guesses = Array.from({ length: FREE_ATTEMPTS }, freshPassword);
    await stranded(trying('olga', guesses));
    assert.equal((await recordOf('olga')).state, 'enabled', 'ten cost nothing');
    await stranded(trying('olga', [freshPassword()]));
    const locked = await recordOf('olga');
    assert.equal(locked.state, 'locked');
    assert.ok(locked.locked_until_ms - Date.now() <= 30_000, 'for half a minute');
    assert.equal((await stranded(trying('olga', [it.passwords.olga]))).status, WRONG, 'a stranger, with the right one');
    person.jar.forget('127.0.0.1', SESSION);
    await disconnect(await connected(at('local', 'olga'), person));
    assert.equal(person.passwordsGiven, 2, 'a password was asked for');
    const { state, failed_attempts: left } = await recordOf('olga');
    assert.deepEqual([state, left], ['enabled', 0], 'which ends the lock');
  });

  test('a new password ends the sessions and not the connections', async () => {
    const person = new Person();
    const connection = await connected(at('local', 'ada'), person);
    const again = await connected(at('local', 'ada'), person);
    assert.equal(person.passwordsGiven, 1, 'still signed in for the second client');
    await disconnect(again);
    const old = it.passwords.ada;
    it.passwords.ada = freshPassword();
    await accounts.setPassword('ada', it.passwords.ada);
    await disconnect(await connected(at('local', 'ada'), person));
    assert.equal(person.passwordsGiven, 2, 'asked anew');
    assert.equal((await stranded(trying('ada', [old]))).status, WRONG, 'the old one is gone');
    assert.equal((await connection.client.listTools()).tools.length > 0, true);
    await disconnect(connection);
  });
});

describe('with a second factor', () => {
  let phone;
  before(async () => { phone = await accounts.totp('tom'); });

  test('the whole story, with the code that the telephone shows', async () => {
    assert.match(phone.label, /tom$/);
    assert.ok(phone.issuer, 'the app shows whose code it is');
    await tellOf(at('local', 'tom', { code: () => phone.next() }), 'manager');
    assert.equal((await recordOf('tom')).one_time_codes, true);
  });

  test('without a code nobody is in, and a wrong one and a used one are refused', async () => {
    const waiting = await stranded(at('local', 'tom'));
    assert.equal(waiting.status, 200);
    assert.match(waiting.html, /authenticator app/);
    const once = (...codes) => at('local', 'tom', { code: () => codes.shift() });
    assert.equal((await stranded(once(phone.again()))).status, WRONG, 'used');
    assert.equal((await stranded(once('000000'))).status, WRONG, 'wrong');
    await disconnect(await connected(at('local', 'tom', { code: () => phone.next() })));
  });

  test('a lost telephone: the operator takes the codes away', async () => {
    await accounts.must(['totp', 'tom', '--remove']);
    await disconnect(await connected(at('local', 'tom')));
    assert.equal((await recordOf('tom')).one_time_codes, false);
  });
});

describe('an account that is disabled', () => {
  test('its client is out at once and for good, and nobody else\'s is', async () => {
    const [theirs, other] = [await connected(at('local', 'ingrid')), await connected(at('local', 'tom'))];
    const { access_token: token } = theirs.provider.tokens();
    await accounts.must(['disable', 'Ingrid']);
    await mustBecomeUseless(deployment.url, token, NOTICED_MS);
    await mustNotRefresh((await discover(deployment.url, SCOPES)).metadata, theirs.provider);
    assert.equal((await stranded(trying('ingrid', [it.passwords.ingrid]))).status, WRONG);
    assert.equal((await stranded(trying('ingrid', [it.passwords.ingrid]), theirs.person)).status, WRONG, 'in their own browser');
    assert.equal((await recordOf('ingrid')).state, 'disabled');
    assert.notEqual((await knock(deployment.url, other.provider.tokens().access_token)).status, 401);
    await disconnect(other);

    await accounts.must(['enable', 'ingrid']);
    await mustNotRefresh((await discover(deployment.url, SCOPES)).metadata, theirs.provider);
    await theirs.client.close();
    await disconnect(await connected(at('local', 'ingrid')));
  });
});

describe('from the portal', () => {
  const STORIES = [['ada', 'default', 'legacy'], ['tom', 'all', 'automatic'], ['ingrid', 'all', 'pinned']];
  for (const [username, tick, mode] of STORIES) {
    test(`${username}, who is ${PEOPLE[username].user}, tells the whole story`, async () => {
      await tellOf(at('intranet', username), PEOPLE[username].user, { tick, mode: MODES[mode] });
    });
  }

  test('whoever is signed in at the portal only passes by', async () => {
    const person = new Person();
    await disconnect(await connected(at('intranet', 'ada'), person));
    person.jar.forget('127.0.0.1');
    const seen = person.elsewhere.length;
    await disconnect(await connected(at('intranet', 'ada'), person));
    assert.equal(person.elsewhere.length, seen, 'the portal showed nothing');
  });

  /** The redirect by which the portal's word travelled; ours to ourselves comes after it. */
  const wordOf = (person) => person.redirects.find(({ searchParams }) => searchParams.has('token'));

  test('the portal\'s word is good once, for one browser and one start', async () => {
    const [person, stranger] = [new Person(), new Person()];
    const read = logSince(deployment);
    await disconnect(await connected(at('intranet', 'ingrid'), person));
    const word = wordOf(person);
    deployment.secrets.push(word.searchParams.get('token'));
    assert.equal(word.origin, deployment.issuer);

    const page = (url, who) => who.strand(url, { as: at('intranet', 'ingrid'), redirectUri: REDIRECT });
    const replayed = await page(word, person);
    assert.match(replayed.html, /already/i, 'in the same browser it is over, as any reload says');
    assert.equal((await page(word, stranger)).status, 403, 'in another browser');

    // Another start in the browser of somebody else, with this word instead of their own.
    const other = await ask(deployment.url, REDIRECT, 'Another');
    await stranger.strand(other.authorizationUrl, { as: { ...at('intranet', 'nobody') } });
    const swapped = new URL(word);
    const txn = stranger.redirects.map(({ searchParams }) => searchParams.get('txn')).findLast(Boolean);
    swapped.searchParams.set('txn', txn);
    assert.equal((await page(swapped, stranger)).status, 403, 'for another start');
    assert.ok(!read().includes(word.searchParams.get('token')), 'no log has it');
  });

  test('a portal with another key: nobody is in, and the operator can read why', async () => {
    const stranded = await mustStrand(deployment, {
      provider: 'mistaken', status: 403, log: /mistaken.*the provider's answer was rejected.*InvalidSignature/,
    });
    deployment.secrets.push(wordOf(stranded.person).searchParams.get('token'));
  });

  test('the same person at two providers is two persons', async () => {
    const [one, two] = [await connected(at('local', 'ada')), await connected(at('intranet', 'ada'))];
    const subject = ({ provider }) => JSON.parse(Buffer.from(provider.tokens().access_token.split('.')[1], 'base64url')).sub;
    assert.notEqual(subject(one), subject(two));
    await disconnect(one);
    await disconnect(two);
  });
});
