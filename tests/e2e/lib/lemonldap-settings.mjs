// What an operator of LemonLDAP::NG sets in its Manager, as the file that the Manager writes.

/** Where the portal keeps what it must remember, below a directory of its own. */
function storage(directory) {
  const files = (name) => ({ Directory: `${directory}/${name}`, LockDirectory: `${directory}/${name}/lock` });
  return {
    globalStorage: 'Apache::Session::File',
    globalStorageOptions: files('sessions'),
    persistentStorage: 'Apache::Session::File',
    persistentStorageOptions: files('psessions'),
    localSessionStorage: 'Cache::FileCache',
    localSessionStorageOptions: {
      namespace: 'sessions', default_expires_in: 600, directory_umask: '007', cache_root: `${directory}/cache`, cache_depth: 3,
    },
  };
}

/** Whom the portal asks about passwords and people. */
function directoryService(url) {
  return {
    authentication: 'REST', userDB: 'REST', restAuthUrl: `${url}/password`, restUserDBUrl: `${url}/person`,
  };
}

/** What each client is told of a person: the name for it, and that of the portal's own variable. */
const CLAIMS = { name: 'cn', email: 'mail', groups: 'groups' };

/** *OpenID Connect Relying Parties*; `options` are those that a story changes. */
function relyingParties({ keys, clients }) {
  const entries = Object.entries(clients);
  return {
    issuerDBOpenIDConnectActivation: 1,
    oidcServicePrivateKeySig: keys.key,
    oidcServicePublicKeySig: keys.certificate,
    oidcServiceKeyIdSig: 'stories',
    // As the packaged configuration has it: every exported attribute, whatever the scopes.
    oidcServiceIgnoreScopeForClaims: 1,
    oidcRPMetaDataOptions: Object.fromEntries(entries.map(([id, { client, options }]) => [id, {
      oidcRPMetaDataOptionsClientID: client.client_id,
      oidcRPMetaDataOptionsClientSecret: client.client_secret,
      oidcRPMetaDataOptionsRedirectUris: client.redirect_uris.join(' '),
      oidcRPMetaDataOptionsPostLogoutRedirectUris: client.post_logout_redirect_uris.join(' '),
      oidcRPMetaDataOptionsUserIDAttr: 'uid',
      oidcRPMetaDataOptionsBypassConsent: 1,
      oidcRPMetaDataOptionsIDTokenSignAlg: 'RS256',
      ...options,
    }])),
    oidcRPMetaDataExportedVars: Object.fromEntries(entries.map(([id]) => [id, CLAIMS])),
  };
}

/** A variable of the portal as an attribute: whether it must be there, its name, and its format. */
const attribute = (name) => `0;${name};urn:oasis:names:tc:SAML:2.0:attrname-format:basic`;
const ATTRIBUTES = { cn: attribute('displayName'), mail: attribute('mail'), groups: attribute('groups') };

/** *SAML service providers*, from the metadata that each of them publishes. */
function serviceProviders({ keys, services }) {
  const entries = Object.entries(services);
  return {
    issuerDBSAMLActivation: 1,
    samlServicePrivateKeySig: keys.key,
    samlServicePublicKeySig: keys.certificate,
    samlSPMetaDataXML: Object.fromEntries(entries.map(([id, { metadata }]) => [id, { samlSPMetaDataXML: metadata }])),
    samlSPMetaDataOptions: Object.fromEntries(entries.map(([id, { options }]) => [id, options])),
    samlSPMetaDataExportedAttributes: Object.fromEntries(entries.map(([id]) => [id, ATTRIBUTES])),
  };
}

/**
 * The whole configuration.
 *
 * @param {object} portal
 * @param {number} portal.number counts up with each change
 * @param {string} portal.origin
 * @param {string} portal.host
 * @param {string} portal.directory
 * @param {string} portal.people where the directory service answers
 * @param {{key: string, certificate: string}} portal.keys in PEM
 * @param {object} portal.clients OpenID Connect, by name
 * @param {object} portal.services SAML, by name
 */
export function settings(portal) {
  return {
    cfgNum: portal.number,
    cfgDate: portal.number,
    cfgAuthor: 'stories',
    portal: `${portal.origin}/`,
    domain: portal.host,
    securedCookie: 0,
    whatToTrace: 'uid',
    locationRules: { [portal.host]: { default: 'accept' } },
    ...storage(portal.directory),
    ...directoryService(portal.people),
    ...relyingParties(portal),
    ...serviceProviders(portal),
  };
}
