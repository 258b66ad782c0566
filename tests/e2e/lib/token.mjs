// A token without a connection: for programs that cannot sign in and for messages made by hand.

import { auth } from '@modelcontextprotocol/client';
import { Person } from './person.mjs';
import { MemoryProvider } from './provider.mjs';
import { secretsOf } from './story.mjs';

/** Discovery, registration, sign-in and consent for one server. */
export async function tokenFor(serverUrl, choices = { user: 'basic' }) {
  const [provider, person] = [new MemoryProvider(), new Person()];
  await auth(provider, { serverUrl });
  const back = await person.authorize(provider.authorizationUrl, choices);
  await auth(provider, {
    serverUrl, authorizationCode: back.searchParams.get('code'), iss: back.searchParams.get('iss') ?? undefined,
  });
  return { token: provider.tokens().access_token, secrets: secretsOf({ provider, person }) };
}
