<?php

// Defaults are for `artisan` alone, where no server runs.
return [
    'flavour' => env('FLAVOUR', 'idiomatic'),
    'pages_url' => env('HI_EVENTS_URL'),
    'api_prefix' => trim(parse_url(env('HI_EVENTS_API_URL') ?: '', PHP_URL_PATH) ?: '', '/'),
    'client_url' => rtrim(env('TUVENS_CLIENT_URL') ?: '', '/'),
    'sign_ins_a_minute' => env('RATE_LIMITS') === 'raised' ? 100_000 : 10,
    'session_lifetime' => 3600,
    'tuvens' => [
        'url' => rtrim(env('TUVENS_API_URL') ?: '', '/'),
        'secret' => env('HI_EVENTS_SHARED_SECRET'),
        'timeout' => 10,
    ],
    'webhooks' => ['timeout' => 10, 'pauses' => [1, 5, 25, 120, 600, 3600]],
];
