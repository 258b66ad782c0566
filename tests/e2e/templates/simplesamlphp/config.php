<?php
// One identity provider on loopback, for the stories. What differs between them is in mode.json.
$mode = json_decode(file_get_contents(__DIR__ . '/mode.json'), true);

$config = [
    'baseurlpath' => $mode['origin'] . '/simplesaml/',
    'certdir' => __DIR__ . '/cert/',
    'loggingdir' => __DIR__ . '/log/',
    'datadir' => __DIR__ . '/data/',
    'tempdir' => __DIR__ . '/temp/',
    'metadatadir' => __DIR__ . '/metadata/',
    'attributenamemapdir' => '/etc/simplesamlphp/attributemap/',
    'secretsalt' => $mode['salt'],
    'auth.adminpassword' => $mode['salt'],
    'technicalcontact_name' => 'Nobody',
    'technicalcontact_email' => 'nobody@example.test',
    'timezone' => 'UTC',
    'showerrors' => true,
    'debug' => ['saml' => false, 'backtraces' => true, 'validatexml' => false],
    'logging.level' => SimpleSAML\Logger::INFO,
    'logging.handler' => 'errorlog',
    'enable.saml20-idp' => true,
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'store.type' => 'phpsession',
    'session.phpsession.savepath' => __DIR__ . '/sessions/',
    'session.phpsession.cookiename' => 'SimpleSAML',
    // A browser does not keep a Secure cookie over plain http.
    'session.cookie.secure' => false,
    'session.cookie.samesite' => 'Lax',
    'language.cookie.secure' => false,
    'language.cookie.samesite' => 'Lax',
    'language.available' => ['en'],
    'language.default' => 'en',
    'theme.use' => 'default',
    'metadata.sources' => [['type' => 'flatfile']],
];
