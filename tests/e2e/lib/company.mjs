// The people of a company that has its own sign-in, the same at every identity provider.

/** The group that makes somebody more than a basic user, by user type. */
export const GROUPS = { manager: 'process managers', admin: 'admins' };

/** `user` is what the product makes of them; the rest is what their provider says. */
export const PEOPLE = {
  ada: { user: 'basic', name: 'Ada Okafor', email: 'ada@example.test', groups: ['staff'] },
  tom: { user: 'manager', name: 'Tom Brandt', email: 'tom@example.test', groups: ['staff', GROUPS.manager] },
  ingrid: { user: 'admin', name: 'Ingrid Sørensen', email: 'ingrid@example.test', groups: ['staff', GROUPS.admin] },
  /** Works for two organizations, and is in no group at all. */
  olga: { user: 'basic', name: 'Olga Novak', email: 'olga@example.test', groups: [], organizations: ['north', 'south'] },
};

/** Each has their own password: a form that does not check it is noticed. */
export function passwordOf(username) {
  return `correct horse of ${username}`;
}

/** Whether a provider's form was filled in rightly. */
export function isPassword(username, password) {
  return Object.hasOwn(PEOPLE, username) && password === passwordOf(username);
}

/** As a SAML provider's directory has them, by username. Who is in no group has no such attribute. */
export function directory() {
  return Object.fromEntries(Object.entries(PEOPLE).map(([username, { name, email, groups, organizations }]) => [username, {
    password: passwordOf(username),
    attributes: {
      uid: [username],
      displayName: [name],
      mail: [email],
      ...(groups.length > 0 ? { groups } : {}),
      ...(organizations ? { o: organizations } : {}),
    },
  }]));
}

/** What the person does at a sign-in button named `provider`, for {@link Person.authorize}. */
export function signingIn(username, provider, more = {}) {
  return { provider, username, password: passwordOf(username), ...more };
}

/** The operator's rules that turn groups into user types. */
export const USER_TYPES = [
  { type: 'administrator', groups: [GROUPS.admin] },
  { type: 'process_manager', groups: [GROUPS.manager] },
];
