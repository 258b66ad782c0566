// The company's people as a service by itself: a portal that keeps nobody asks it for passwords and
// attributes (LemonLDAP::NG's REST authentication and user database).

import { once } from 'node:events';
import { createServer } from 'node:http';
import { isPassword, PEOPLE } from './company.mjs';

/** What stands between the values of one variable there. */
const SEPARATOR = '; ';

function attributesOf(username) {
  const { name, email, groups } = PEOPLE[username];
  return { uid: username, cn: name, mail: email, ...(groups.length > 0 ? { groups: groups.join(SEPARATOR) } : {}) };
}

const ANSWERS = {
  '/password': ({ user, password }) => ({ result: isPassword(user, password) }),
  '/person': ({ user }) => (Object.hasOwn(PEOPLE, user) ? { result: true, info: attributesOf(user) } : { result: false }),
};

async function read(request) {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  return JSON.parse(body);
}

/** Starts it; `url` is where it is, and `stop` ends it. */
export async function startDirectory() {
  const server = createServer(async (request, response) => {
    const answer = ANSWERS[request.url];
    if (!answer) return response.writeHead(404).end();
    const body = JSON.stringify(answer(await read(request)));
    return response.writeHead(200, { 'content-type': 'application/json' }).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
