// A host application that vouches for its people: the smallest portal that is still right.
// Environment: PORT, WICKETGATE_URL (its issuer), PORTAL_ID, PORTAL_KEY (32 bytes or more).
import { createHmac, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

const { PORT, WICKETGATE_URL, PORTAL_ID, PORTAL_KEY } = process.env;
const PEOPLE = {
  ada: { name: 'Ada Okafor', email: 'ada@example.test', groups: ['staff'] },
  tom: { name: 'Tom Brandt', email: 'tom@example.test', groups: ['staff', 'process managers'] },
  ingrid: { name: 'Ingrid Sørensen', email: 'ingrid@example.test', groups: ['staff', 'admins'] },
};
const sessions = new Map();

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function bridgeToken(user, txn) {
  const iat = Math.floor(Date.now() / 1000);
  const once = { txn, jti: randomUUID(), iat, exp: iat + 60 };
  const claims = { iss: PORTAL_ID, aud: WICKETGATE_URL, sub: user, ...once, ...PEOPLE[user] };
  const signed = `${part({ typ: 'wicketgate-bridge+jwt', alg: 'HS256' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', PORTAL_KEY).update(signed).digest('base64url')}`;
}

// Stands for your own sign-in, which asks for more than a name.
const button = (user, txn) => `<form method="post" action="/login?user=${user}&amp;txn=${txn}">
  <button>${PEOPLE[user].name}</button></form>`;

createServer((request, response) => {
  const { pathname, searchParams } = new URL(`http://portal${request.url}`);
  const [txn, asked] = [searchParams.get('txn') ?? '', searchParams.get('user')];
  const user = sessions.get(/portal=([0-9a-f-]+)/.exec(request.headers.cookie)?.[1]);
  const quoted = encodeURIComponent(txn);
  const quiet = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' };
  const page = (status, body) =>
    response.writeHead(status, { ...quiet, 'content-type': 'text/html; charset=utf-8' }).end(body);
  const go = (location, more) => response.writeHead(303, { ...quiet, ...more, location }).end();

  if (request.method === 'POST' && pathname === '/login' && Object.hasOwn(PEOPLE, asked)) {
    const id = randomUUID();
    sessions.set(id, asked);
    go(`/sso?txn=${quoted}`, { 'set-cookie': `portal=${id}; HttpOnly; SameSite=Lax; Path=/` });
  } else if (request.method !== 'GET' || pathname !== '/sso' || !txn) page(404, 'Not found');
  else if (!user) page(200, Object.keys(PEOPLE).map((who) => button(who, quoted)).join(''));
  // The way back is our own configuration, never anything from the query.
  else go(`${WICKETGATE_URL}/authorize/resume?txn=${quoted}&token=${bridgeToken(user, txn)}`);
}).listen(PORT, '127.0.0.1', () => console.log(`portal on http://127.0.0.1:${PORT}/sso`));
