// `wicketgate doctor` about providers that are well and that are not: what is wrong, why, and what
// to do.

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { oidcProvider, samlProvider, signInWith } from '../lib/company-sign-in.mjs';
import { configured, consult, findingsOf, mustBeHealthy, mustFail } from '../lib/doctor.mjs';
import { startOidcIdp } from '../lib/oidc-idp.mjs';
import { certificateOver, startSamlIdp } from '../lib/saml-idp.mjs';
import { clock, cut, hold, json, say, startTamper, text } from '../lib/tamper.mjs';

const DISCOVERY = '/.well-known/openid-configuration';
const JWKS = '/jwks';
const METADATA = '/simplesaml/saml2/idp/metadata.php';
const NOT_A_CONFIGURATION = 78;

describe('an OpenID provider', () => {
  let tamper;
  let idp;
  before(async () => {
    tamper = await startTamper();
    idp = await startOidcIdp({ issuer: tamper.origin });
    tamper.forwardTo(idp.origin);
  });
  after(async () => {
    await idp?.stop();
    await tamper?.stop();
  });

  /** What doctor says about it, with these settings and while this harm is done. */
  async function examined(t, { provider = {}, at = DISCOVERY, harm } = {}) {
    const configuration = configured(signInWith(oidcProvider('corp', idp, provider)));
    t.after(configuration.remove);
    const undo = harm && tamper.at(at, harm);
    try {
      return await consult(configuration);
    } finally {
      undo?.();
    }
  }

  test('that is well, with the URLs to register there', async (t) => {
    const report = await examined(t, { provider: { logout: 'provider' } });
    mustBeHealthy(report);
    const base = 'https://mcp.example.com';
    assert.deepEqual(report.providers[0].register.map(({ url }) => url), [
      `${base}/sign-in/corp/callback`, `${base}/sign-in/corp/backchannel-logout`, `${base}/signed-out`,
    ]);
    for (const { url } of report.providers[0].register) assert.ok(report.text.includes(url), url);
    assert.ok(!report.text.includes(idp.client.client_secret), 'the secret is not shown');
  });

  const change = (changes) => json((document) => ({ ...document, ...changes }));
  const FAILURES = {
    'that calls itself something else': {
      harm: change({ issuer: 'https://elsewhere.example' }), what: /elsewhere\.example/, fix: /issuer/,
    },
    'whose issuer has a slash that ours has not': {
      harm: json((document) => ({ ...document, issuer: `${document.issuer}/` })), what: /issuer/, fix: /slash/,
    },
    'that answers 500': { harm: say(500, '<h1>Oops</h1>'), what: /500/, fix: /is up/, not: /Oops/ },
    'that is somewhere else': { harm: say(404), what: /404/, fix: /issuer/ },
    'that sends a page': { harm: say(200, '<html>'), what: /JSON|json|expected/, fix: /./ },
    'that closes the connection': { harm: cut(), what: /openid-configuration/, fix: /firewall|up/ },
    'that never answers': { harm: hold(), what: /time|slow/i, fix: /firewall|up/ },
    'that wants people to sign in at javascript:': {
      harm: change({ authorization_endpoint: 'javascript:alert(1)' }), what: /authorization_endpoint/, fix: /./,
    },
    'whose clock is ten minutes ahead': { harm: clock(600), what: /(59\d|60\d) s ahead.*clock_skew_seconds/, fix: /NTP/ },
    'whose clock is ten minutes behind': { harm: clock(-600), what: /(59\d|60\d) s behind.*clock_skew_seconds/, fix: /NTP/ },
    'without any key': { at: JWKS, harm: json(() => ({ keys: [] })), what: /no key for RS256/, fix: /signing_algorithms/ },
    'with keys that we do not take': {
      at: JWKS, harm: json(() => ({ keys: [{ kty: 'oct', k: 'c2VjcmV0', alg: 'HS256' }, { kty: 'new' }] })),
      what: /no key for RS256/, fix: /signing_algorithms/,
    },
    'whose keys cannot be had': { at: JWKS, harm: say(500), what: /jwks.*500/, fix: /is up/ },
    'that signs with HS256 only': {
      harm: change({ id_token_signing_alg_values_supported: ['HS256'] }), what: /HS256/, fix: /signing_algorithms/,
    },
    'that wants us to authenticate otherwise': {
      harm: change({ token_endpoint_auth_methods_supported: ['private_key_jwt'] }), what: /private_key_jwt/, fix: /client_auth/,
    },
    'that offers no code flow': { harm: change({ response_types_supported: ['id_token'] }), what: /code flow/, fix: /code/ },
  };
  for (const [what, expected] of Object.entries(FAILURES)) {
    test(`${what}: cause and fix`, async (t) => mustFail(await examined(t, expected), expected));
  }

  const WARNINGS = {
    'that does not say S256': { harm: change({ code_challenge_methods_supported: ['plain'] }), warning: /S256/ },
    'that says nothing of PKCE': { harm: change({ code_challenge_methods_supported: undefined }), warning: /S256/ },
    'whose clock is 45 seconds ahead': { harm: clock(45), warning: /4\d s ahead/ },
    'that does not list a scope': { harm: change({ scopes_supported: ['openid'] }), warning: /groups/ },
  };
  for (const [what, { warning, ...how }] of Object.entries(WARNINGS)) {
    test(`${what}: sign-in may work, and the operator knows`, async (t) => {
      mustBeHealthy(await examined(t, how), { warnings: [warning] });
    });
  }

  test('one of two is down: each has its own findings, and the exit code is of the worse', async (t) => {
    const signIn = signInWith(oidcProvider('corp', idp), oidcProvider('old', idp, { issuer: `${tamper.origin}/gone` }));
    const configuration = configured(signIn);
    t.after(configuration.remove);
    const report = await consult(configuration);
    assert.equal(report.code, 1);
    const failed = report.providers.filter(({ findings }) => findings.some(({ verdict }) => verdict === 'failure'));
    assert.deepEqual(failed.map(({ id }) => id), ['old']);
  });
});

describe('a SAML provider', () => {
  let tamper;
  let idp;
  before(async () => {
    [tamper, idp] = await Promise.all([startTamper(), startSamlIdp()]);
    tamper.forwardTo(idp.origin);
  });
  after(async () => {
    await idp?.stop();
    await tamper?.stop();
  });

  /** Pinned to the provider's name and read from an address, unless said otherwise. */
  function settings({ metadata_url: _, ...entry }, more) {
    return { entry: { idp_entity_id: idp.entityId, ...entry, ...more }, secrets: {} };
  }

  async function examined(t, { provider = {}, harm } = {}) {
    const from = { metadata_url: `${tamper.origin}${METADATA}` };
    const configuration = configured(signInWith(settings(samlProvider('corp', idp).entry, { ...from, ...provider })));
    t.after(configuration.remove);
    const undo = harm && tamper.at(METADATA, harm);
    try {
      return await consult(configuration);
    } finally {
      undo?.();
    }
  }

  test('that is well, with the URLs to register there', async (t) => {
    const report = await examined(t);
    mustBeHealthy(report);
    const base = 'https://mcp.example.com/saml/corp';
    assert.deepEqual(report.providers[0].register.map(({ url }) => url), [`${base}/acs`, `${base}/metadata`]);
    assert.match(report.text, /(89|90) more days/, 'how long its certificate is good');
  });

  test('whose name is not pinned: a warning', async (t) => {
    mustBeHealthy(await examined(t, { provider: { idp_entity_id: '' } }), { warnings: [/entity ID/] });
  });

  const certificate = /<ds:X509Certificate>[^<]*<\/ds:X509Certificate>/g;
  const withCertificate = (pem) => text((xml) => xml.replace(certificate, `<ds:X509Certificate>${pem}</ds:X509Certificate>`));
  const FAILURES = {
    'that answers 500': { harm: say(500), what: /500/, fix: /./ },
    'that closes the connection': { harm: cut(), what: /metadata\.php/, fix: /./ },
    'that never answers': { harm: hold(), what: /time|slow/i, fix: /./ },
    'that sends a page': { harm: say(200, '<html><body>Sign in</body></html>'), what: /EntityDescriptor/, fix: /./ },
    'that sends no XML': { harm: say(200, 'Hello'), what: /XML|parse|document/i, fix: /./ },
    'that is another one': { harm: text((xml) => xml.replaceAll('entityID="', 'entityID="https://elsewhere.example/')), what: /elsewhere\.example/, fix: /./ },
    'without a certificate': { harm: text((xml) => xml.replace(/<md:KeyDescriptor[\s\S]*<\/md:KeyDescriptor>/, '')), what: /certificate/, fix: /./ },
    'whose document is over': {
      harm: text((xml) => xml.replace('entityID=', 'validUntil="2020-01-01T00:00:00Z" entityID=')), what: /validUntil/, fix: /metadata/,
    },
    'that offers only HTTP-POST': {
      harm: text((xml) => xml.replace(/<md:SingleSignOnService[^>]*HTTP-Redirect[^>]*>/, '')), what: /HTTP-Redirect/, fix: /./,
    },
    'that wants signed requests': {
      harm: text((xml) => xml.replace('WantAuthnRequestsSigned="false"', 'WantAuthnRequestsSigned="true"')),
      what: /signed requests/, fix: /sign_requests/,
    },
  };
  for (const [what, expected] of Object.entries(FAILURES)) {
    test(`${what}: cause and fix`, async (t) => mustFail(await examined(t, expected), expected));
  }

  test('whose certificate is over: cause and fix', async (t) => {
    const report = await examined(t, { harm: withCertificate(certificateOver()) });
    assert.equal(report.code, 1, report.text);
    assert.ok(findingsOf(report, 'failure').some(({ what, fix }) => /certificate .*has expired/.test(what) && /new metadata/.test(fix)), report.text);
    assert.ok(findingsOf(report, 'failure').every(({ fix }) => !/see above/.test(fix)), report.text);
  });

  test('whose certificate is over, which the operator allows', async (t) => {
    const harm = withCertificate(certificateOver());
    mustBeHealthy(await examined(t, { harm, provider: { allow_expired_certificates: true } }), { warnings: [/has expired, which allow_expired_certificates permits/] });
  });

  const FILES = {
    'whose certificate is over': { change: (xml) => xml.replace(certificate, `<ds:X509Certificate>${certificateOver()}</ds:X509Certificate>`), why: /certificate/ },
    'without a certificate': { change: (xml) => xml.replace(/<md:KeyDescriptor[\s\S]*<\/md:KeyDescriptor>/, ''), why: /no signing certificate/ },
    'of another provider': { change: (xml) => xml.replaceAll('entityID="', 'entityID="https://elsewhere.example/'), why: /elsewhere\.example/ },
    'that is a page': { change: () => '<html/>', why: /EntityDescriptor/ },
  };
  for (const [what, { change, why }] of Object.entries(FILES)) {
    test(`a metadata file ${what}: found before anybody is asked`, async (t) => {
      const file = `${tmpdir()}/wicketgate-e2e-metadata-${process.pid}.xml`;
      t.after(() => rmSync(file));
      writeFileSync(file, change(await idp.metadata()));
      const configuration = configured(signInWith(settings(samlProvider('corp', idp).entry, { metadata_file: file })));
      t.after(configuration.remove);
      for (const command of [['doctor'], ['config', 'check'], ['serve']]) {
        const { code, out, notes } = await configuration.run(...command);
        assert.equal(code, NOT_A_CONFIGURATION, `${command}: ${out}${notes}`);
        assert.match(`${out}${notes}`, why);
        assert.match(`${out}${notes}`, /metadata_file/);
      }
    });
  }
});
