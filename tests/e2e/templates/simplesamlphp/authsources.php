<?php
// The people of mode.json, each with their own password.
$mode = json_decode(file_get_contents(__DIR__ . '/mode.json'), true);

$people = ['exampleauth:UserPass'];
foreach ($mode['people'] as $person) {
    $people[$person['username'] . ':' . $person['password']] = $person['attributes'];
}

$config = ['people' => $people];
