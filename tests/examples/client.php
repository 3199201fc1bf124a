<?php

// A small use of the PHP client that is generated into lib/ of the present folder.
require_once 'GuzzleHttp/autoload.php';
spl_autoload_register(function (string $class): void {
    $file = getcwd().'/lib/'.str_replace('\\', '/', substr($class, strlen('TuvensApi\\'))).'.php';
    if (str_starts_with($class, 'TuvensApi\\') && is_file($file)) {
        require $file;
    }
});

$configuration = (new TuvensApi\Configuration())
    ->setHost(getenv('TUVENS_API_URL'))
    ->setApiKey('x-shared-secret', getenv('HI_EVENTS_SHARED_SECRET'));
$sessions = new TuvensApi\Api\SessionsApi(new GuzzleHttp\Client(['proxy' => '']), $configuration);
$request = new TuvensApi\Model\ValidateSessionRequest(['session_token' => getenv('SESSION_TOKEN')]);
echo $sessions->validateSession($request)->getEmail(), "\n";
