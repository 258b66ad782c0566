<?php
// How this provider signs, encrypts and names: read anew for each request.
$mode = json_decode(file_get_contents(dirname(__DIR__) . '/mode.json'), true);

$formats = [
    'persistent' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
    'transient' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient',
    'email' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
    'unspecified' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified',
];
$format = $formats[$mode['nameId']];

$steps = [];
if ($mode['nameId'] === 'transient') {
    $steps[10] = ['class' => 'saml:TransientNameID'];
} else {
    $source = $mode['nameId'] === 'email' ? 'mail' : 'uid';
    $steps[10] = ['class' => 'saml:AttributeNameID', 'attribute' => $source, 'Format' => $format];
}
$steps[20] = ['class' => 'core:AttributeMap'] + $mode['names'];

$metadata['__DYNAMIC:1__'] = [
    'host' => '__DEFAULT__',
    'privatekey' => 'idp.key',
    'certificate' => 'idp.crt',
    'auth' => 'people',
    'NameIDFormat' => $format,
    'SingleSignOnServiceBinding' => [
        'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect',
        'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST',
    ],
    'attributes.NameFormat' => $mode['nameFormat'],
    'authproc' => $steps,
    'saml20.sign.response' => $mode['signResponse'],
    'validate.authnrequest' => $mode['wantSignedRequests'],
    'assertion.encryption' => $mode['encrypt'],
];
