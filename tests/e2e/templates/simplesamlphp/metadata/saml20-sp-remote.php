<?php
// Every service provider whose metadata lies beside this file, as it is now.
$mode = json_decode(file_get_contents(dirname(__DIR__) . '/mode.json'), true);

foreach (glob(__DIR__ . '/*.xml') as $file) {
    $entity = \SimpleSAML\Metadata\SAMLParser::parseFile($file)->getMetadata20SP();
    // What the stories choose is stronger than what the service provider would like.
    $entity['saml20.sign.assertion'] = $mode['signAssertion'];
    if ($mode['wantSignedRequests']) {
        $entity['validate.authnrequest'] = true;
    }
    $metadata[$entity['entityid']] = $entity;
}
